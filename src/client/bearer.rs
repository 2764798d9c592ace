//! Asking a server that wants a login or a token first: registries and Notary servers do it the same way.
//!
//! Source: Distribution specification and docker's "Token Authentication Specification". Tokens are got with GET.

use std::sync::Mutex;

use base64ct::{Base64, Encoding};
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderName};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::client::address::may_lead_to;
use crate::client::evidence_record::{Origin, Peer};
use crate::client::fault::network;
use crate::client::http::{Answer, Head, Http, Question, Sink, shown};
use crate::client::run::{Event, Run};
use crate::client::secret::{Login, Secret, excerpt};
use crate::error::Error;
use crate::limits::Bound;

/// How many servers may send us on to the next.
const REDIRECTS: usize = 5;

/// A server that gives out tokens, or takes a login, or neither.
pub(crate) struct Guarded<'a> {
    pub(crate) run: Run<'a>,
    http: Http,
    login: Option<Login>,
    authorization: Mutex<Option<Secret>>,
}

impl<'a> Guarded<'a> {
    pub(crate) fn new(run: Run<'a>, http: Http, login: Option<Login>) -> Self {
        Self { run, http, login, authorization: Mutex::new(None) }
    }

    /// Asks for something small. Any status is an answer.
    pub(crate) fn get(&self, url: &Url, accept: Option<&str>, bound: Bound) -> Result<Answer, Error> {
        (self.run.hear)(&Event::Asking(shown(url)));
        self.guarded(url, accept, &mut |question| self.http.get(question, bound), &|answer| &answer.head)
    }

    /// Asks for something large, and follows where the server sends us for it: blobs often lie elsewhere. The caller must
    /// know its digest.
    pub(crate) fn get_into(&self, url: &Url, bound: Bound, sink: &mut dyn Sink) -> Result<Head, Error> {
        (self.run.hear)(&Event::Asking(shown(url)));
        let mut head =
            self.guarded(url, None, &mut |question| self.http.get_into(question, bound, sink), &|head| head)?;
        let mut at = url.clone();
        for _ in 0..REDIRECTS {
            if !matches!(head.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(head);
            }
            at = next_address(&at, &head, url)?;
            // The login is the first server's: it goes nowhere else.
            head = self.http.get_into(&Question::new(&at), bound, sink)?;
        }
        Err(network(&shown(url), "the server sends us on and on", "run it again later"))
    }

    /// Where an answer came from, for evidence.json.
    pub(crate) fn origin(&self, url: &Url, head: &Head) -> Origin {
        Origin {
            from: shown(url),
            asked: None,
            status: head.recorded_status(),
            version: None,
            at: (self.run.clock)(),
            peer: head.peer.map(Peer::of_public_server),
        }
    }

    fn guarded<T>(
        &self,
        url: &Url,
        accept: Option<&str>,
        ask: &mut dyn FnMut(&Question<'_>) -> Result<T, Error>,
        head_of: &dyn Fn(&T) -> &Head,
    ) -> Result<T, Error> {
        let headers: Vec<(HeaderName, String)> = accept.map(|accept| (ACCEPT, accept.to_owned())).into_iter().collect();
        let authorization = self.authorization.lock().ok().and_then(|held| held.clone());
        let first =
            ask(&Question { headers: headers.clone(), authorization: authorization.as_ref(), ..Question::new(url) })?;
        let head = head_of(&first);
        if head.status != 401 {
            return Ok(first);
        }
        let Some(authorization) = self.answer_challenge(url, head)? else { return Ok(first) };
        let second = ask(&Question { headers, authorization: Some(&authorization), ..Question::new(url) })?;
        if let Ok(mut held) = self.authorization.lock() {
            *held = Some(authorization);
        }
        Ok(second)
    }

    /// What to show after a 401; `None` if there is nothing to show.
    fn answer_challenge(&self, url: &Url, head: &Head) -> Result<Option<Secret>, Error> {
        let challenges: Vec<&str> =
            head.headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok()).collect();
        let bearer = challenges.iter().find_map(|text| parameters(text, "bearer"));
        let basic = challenges.iter().any(|text| parameters(text, "basic").is_some());
        match (bearer, basic, &self.login) {
            (Some(parameters), ..) => self.token(url, &parameters).map(Some),
            (None, true, Some(login)) => Ok(Some(basic_authorization(login))),
            _ => Ok(None),
        }
    }

    fn token(&self, url: &Url, parameters: &[(String, String)]) -> Result<Secret, Error> {
        #[derive(Deserialize)]
        struct Token {
            token: Option<Zeroizing<String>>,
            access_token: Option<Zeroizing<String>>,
        }
        let fail = |message: &str| network(&shown(url), message, "check the login (docker login), then run it again");
        let parameter = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let realm = parameter("realm").and_then(|realm| Url::parse(realm).ok());
        let realm = realm.filter(|realm| may_lead_to(url, realm));
        let mut realm = realm.ok_or_else(|| fail("the server names no address that a token may be asked of"))?;
        for name in ["service", "scope"] {
            if let Some(value) = parameter(name) {
                realm.query_pairs_mut().append_pair(name, value);
            }
        }
        let login = self.login.as_ref().map(basic_authorization);
        let question = Question { authorization: login.as_ref(), ..Question::new(&realm) };
        let limits = self.run.limits;
        let bound = limits.registry_document_bytes();
        let answer = self.http.get(&question, bound)?;
        if answer.head.status != 200 {
            let message = format!("the token server answers {}: {}", answer.head.status, excerpt(&answer.body));
            return Err(fail(&message));
        }
        let body = Zeroizing::new(answer.body);
        let token: Token = serde_json::from_slice(&body).map_err(|_| fail("the token server's answer is no token"))?;
        let token = token.token.or(token.access_token).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| fail("the token server's answer is no token"))?;
        Ok(Secret::new(format!("Bearer {}", token.as_str())))
    }
}

fn basic_authorization(login: &Login) -> Secret {
    let pair = Zeroizing::new(format!("{}:{}", login.user.expose(), login.password.expose()));
    Secret::new(format!("Basic {}", Base64::encode_string(pair.as_bytes())))
}

fn next_address(at: &Url, head: &Head, asked: &Url) -> Result<Url, Error> {
    let next = head.header("location").and_then(|location| at.join(location).ok());
    let next = next.filter(|next| may_lead_to(at, next));
    next.ok_or_else(|| {
        network(
            &shown(asked),
            "the server sends us to an address that is not encrypted, or to none",
            "run it again later",
        )
    })
}

/// The parameters of a challenge (RFC 9110, 11.6.1) of the scheme that is wanted.
pub(crate) fn parameters(text: &str, scheme: &str) -> Option<Vec<(String, String)>> {
    let (found, mut rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if !found.eq_ignore_ascii_case(scheme) {
        return None;
    }
    let mut parameters = Vec::new();
    while let Some((name, tail)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
        let (value, tail) = match tail.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => tail.split_once(',').unwrap_or((tail, "")),
        };
        parameters.push((name, value.trim().to_owned()));
        rest = tail;
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let text = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push", error=x"#;
        let found = parameters(text, "bearer").unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            found,
            [
                ("realm", "https://auth.docker.io/token"),
                ("service", "registry.docker.io"),
                ("scope", "repository:a/b:pull,push"),
                ("error", "x")
            ]
        );
        assert_eq!(parameters("basic realm=x", "Basic").unwrap(), [("realm".into(), "x".into())]);
        assert_eq!(parameters(text, "basic"), None);
        assert_eq!(parameters(r#"Bearer realm="x"#, "bearer"), None);
    }
}
