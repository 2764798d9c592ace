//! Requests to a server that may first require a login or a token; registries and Notary servers require them in the same way.
//!
//! Source: Distribution specification and docker's "Token Authentication Specification". Tokens are requested with GET.
//! [`Access`] decides which login may be sent. A token is sent only to the server for which it was requested.

use std::sync::Mutex;

use base64ct::{Base64, Encoding};
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderName};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::base::error::Error;
use crate::base::limits::Bound;
use crate::client::access::{Access, Lent};
use crate::client::address::may_lead_to;
use crate::client::challenge::{Challenges, TokenServer};
use crate::client::evidence_record::{Origin, Peer};
use crate::client::fault::network;
use crate::client::http::{Answer, Head, Http, Question, Sink, shown};
use crate::client::run::{Event, Run};
use crate::client::secret::{Login, Secret, excerpt};

/// The maximum number of redirects.
const REDIRECTS: usize = 5;

/// How redirects are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirects {
    /// Follow redirects, but do not log in at a different origin.
    Followed,
    /// Follow redirects but never send a login: the server's challenge is the expected response.
    FollowedWithoutLogin,
    /// Return a redirect as the response.
    Answers,
}

/// A server that may require a token, a login, or neither.
pub(crate) struct Guarded<'a> {
    pub(crate) run: Run<'a>,
    http: Http,
    access: Access,
    authorization: Mutex<Option<Secret>>,
    token_server: Mutex<Option<TokenServer>>,
}

impl<'a> Guarded<'a> {
    pub(crate) fn new(run: Run<'a>, http: Http, access: Access) -> Self {
        Self { run, http, access, authorization: Mutex::new(None), token_server: Mutex::new(None) }
    }

    /// Requests small content. A response with any status is returned, except a redirect that is followed or a challenge that is answered.
    pub(crate) fn get(
        &self,
        url: &Url,
        accept: Option<&str>,
        bound: Bound,
        redirects: Redirects,
    ) -> Result<Answer, Error> {
        let mut ask = |question: &Question<'_>| self.http.get(question, bound);
        match redirects {
            Redirects::Followed | Redirects::FollowedWithoutLogin => {
                self.followed(url, (accept, redirects), &mut ask, &|answer| &answer.head)
            }
            Redirects::Answers => {
                (self.run.hear)(&Event::Asking(shown(url)));
                self.guarded(url, accept, &mut ask, &|answer| &answer.head)
            }
        }
    }

    /// Requests large content and follows redirects, because blobs are often stored elsewhere. The caller must know the digest of the content.
    pub(crate) fn get_into(&self, url: &Url, bound: Bound, sink: &mut dyn Sink) -> Result<Head, Error> {
        let mut ask = |question: &Question<'_>| self.http.get_into(question, bound, sink);
        self.followed(url, (None, Redirects::Followed), &mut ask, &|head| head)
    }

    fn followed<T>(
        &self,
        url: &Url,
        (accept, redirects): (Option<&str>, Redirects),
        ask: &mut dyn FnMut(&Question<'_>) -> Result<T, Error>,
        head_of: &dyn Fn(&T) -> &Head,
    ) -> Result<T, Error> {
        (self.run.hear)(&Event::Asking(shown(url)));
        let mut at = url.clone();
        let mut at_home = redirects == Redirects::Followed;
        for _ in 0..=REDIRECTS {
            // Only requests to the first server are authorized. After a redirect to a different origin, no request is authorized, even if a
            // later redirect leads back.
            at_home &= at.origin() == url.origin();
            let answer = match at_home {
                true => self.guarded(&at, accept, ask, head_of)?,
                false => ask(&Question { headers: accepting(accept), ..Question::new(&at) })?,
            };
            let head = head_of(&answer);
            if !matches!(head.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            at = next_address(&at, head, url)?;
        }
        Err(network(&shown(url), "too many redirects", "run the command again later"))
    }

    /// This server's login, for use in requests to a trust server; `None` if there is no login or if this server has not specified a token server.
    pub(crate) fn lend(&self, scope: String) -> Option<Lent> {
        let named = self.token_server.lock().ok().and_then(|held| held.clone())?;
        Some(Lent { login: self.access.own.clone()?, named, scope })
    }

    /// The error for an HTTP status that means neither success nor absence.
    pub(crate) fn refused(&self, url: &Url, status: u16, body: &[u8]) -> Error {
        let hint = match status {
            401 | 403 => self.access.hint.unwrap_or(
                "log in with docker login or podman login; if a credential helper stores the login, add --credential-helpers",
            ),
            429 => "rate-limited: log in, or run the command again later",
            _ => "run the command again",
        };
        let words = if body.is_empty() { String::new() } else { format!(": {}", excerpt(body)) };
        network(&shown(url), format!("the server responded with status {status}{words}"), hint)
    }

    /// The origin of a response, for evidence.json.
    pub(crate) fn origin(&self, url: &Url, head: &Head) -> Origin {
        Origin {
            from: shown(url),
            asked: None,
            status: Some(head.recorded_status()),
            version: None,
            at: (self.run.clock)(),
            peer: head.peer.map(Peer::of_public_server),
            redirected_to: (head.server != url.origin().ascii_serialization()).then(|| head.server.clone()),
        }
    }

    fn guarded<T>(
        &self,
        url: &Url,
        accept: Option<&str>,
        ask: &mut dyn FnMut(&Question<'_>) -> Result<T, Error>,
        head_of: &dyn Fn(&T) -> &Head,
    ) -> Result<T, Error> {
        let headers = accepting(accept);
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

    /// The authorization to send after a 401; `None` if there is none to send.
    fn answer_challenge(&self, url: &Url, head: &Head) -> Result<Option<Secret>, Error> {
        let challenges = Challenges::of(head);
        match (challenges.bearer, challenges.basic, &self.access.own) {
            (Some(parameters), ..) => {
                let named = TokenServer::of(&parameters).filter(|named| may_lead_to(url, &named.realm));
                let named = named.ok_or_else(|| {
                    let message = "the server does not specify an address from which a token may be requested";
                    network(&shown(url), message, LOGIN)
                })?;
                if let Ok(mut held) = self.token_server.lock() {
                    *held = Some(named.clone());
                }
                self.token(url, named).map(Some)
            }
            (None, true, Some(login)) => Ok(Some(basic_authorization(login))),
            _ => Ok(None),
        }
    }

    fn token(&self, url: &Url, named: TokenServer) -> Result<Secret, Error> {
        #[derive(Deserialize)]
        struct Token {
            token: Option<Zeroizing<String>>,
            access_token: Option<Zeroizing<String>>,
        }
        let fail = |message: &str| network(&shown(url), message, self.access.hint.unwrap_or(LOGIN));
        let (named, login) = self.access.to_token_server(named);
        let login = login.map(basic_authorization);
        let address = named.question();
        let question = Question { authorization: login.as_ref(), ..Question::new(&address) };
        let answer = self.http.get(&question, self.run.limits.registry_document_bytes())?;
        if answer.head.status != 200 {
            let message =
                format!("the token server responded with status {}: {}", answer.head.status, excerpt(&answer.body));
            return Err(fail(&message));
        }
        let body = Zeroizing::new(answer.body);
        let token: Token =
            serde_json::from_slice(&body).map_err(|_| fail("the token server's response is not a token"))?;
        // Some servers send both members and leave one empty.
        let token = [token.token, token.access_token].into_iter().flatten().find(|token| !token.is_empty());
        let token = token.ok_or_else(|| fail("the token server's response contains no token"))?;
        Ok(Secret::new(format!("Bearer {}", token.as_str())))
    }
}

const LOGIN: &str = "check the login (docker login), then run the command again";

fn accepting(accept: Option<&str>) -> Vec<(HeaderName, String)> {
    accept.map(|accept| (ACCEPT, accept.to_owned())).into_iter().collect()
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
            "the server redirects to an unencrypted address, or the redirect has no valid address",
            "run the command again later",
        )
    })
}
