//! A server's requirements: the challenges in a 401 response (RFC 9110, 11.6.1).

use reqwest::Url;

use crate::client::http::Head;

/// The token server that a registry or trust server specified, with the service and scope for the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenServer {
    /// The token server's address, without the service and scope.
    pub(crate) realm: Url,
    /// The service for which its tokens are valid.
    pub(crate) service: Option<String>,
    /// The access that a token should grant.
    pub(crate) scope: Option<String>,
}

/// The supported challenges in a response.
#[derive(Debug, Default)]
pub(crate) struct Challenges {
    /// The parameters of `Bearer`, not yet interpreted.
    pub(crate) bearer: Option<Vec<(String, String)>>,
    /// Whether `Basic` is among the challenges.
    pub(crate) basic: bool,
}

impl Challenges {
    pub(crate) fn of(head: &Head) -> Self {
        let texts = || head.headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
        Self {
            bearer: texts().find_map(|text| parameters(text, "bearer")),
            basic: texts().any(|text| parameters(text, "basic").is_some()),
        }
    }
}

impl TokenServer {
    /// Reads the parameters of a `Bearer` challenge; `None` unless the realm is an address without a user name or password.
    pub(crate) fn of(parameters: &[(String, String)]) -> Option<Self> {
        let parameter =
            |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let realm = Url::parse(&parameter("realm")?).ok()?;
        // A user name in the address would be part of a login that someone else chose.
        let plain = realm.username().is_empty() && realm.password().is_none();
        plain.then(|| Self { realm, service: parameter("service"), scope: parameter("scope") })
    }

    /// The address from which to request a token.
    pub(crate) fn question(&self) -> Url {
        let mut url = self.realm.clone();
        for (name, value) in [("service", &self.service), ("scope", &self.scope)] {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        url
    }
}

/// The parameters of a challenge, if it has this scheme.
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
    fn a_bearer_challenge_is_parsed() {
        let text = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push", error=x"#;
        let found = parameters(text, "bearer").unwrap();
        let pairs: Vec<(&str, &str)> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("realm", "https://auth.docker.io/token"),
                ("service", "registry.docker.io"),
                ("scope", "repository:a/b:pull,push"),
                ("error", "x")
            ]
        );
        assert_eq!(
            TokenServer::of(&found).unwrap().question().as_str(),
            "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Aa%2Fb%3Apull%2Cpush"
        );
        assert_eq!(parameters("basic realm=x", "Basic").unwrap(), [("realm".into(), "x".into())]);
        assert_eq!(parameters(text, "basic"), None);
        assert_eq!(parameters(r#"Bearer realm="x"#, "bearer"), None);
    }

    #[test]
    fn a_token_server_is_an_address_without_a_user() {
        let of = |realm: &str| TokenServer::of(&[("realm".into(), realm.into())]);
        assert!(of("https://auth.example.com/token").is_some());
        for bad in ["", "token", "https://ada:x@auth.example.com/token", "https://ada@auth.example.com/token"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
