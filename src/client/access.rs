//! Decides which login may be sent to a server. A login is sent only to the host it was supplied for and to the token server that this host
//! specifies, over TLS or within this computer. No other host receives a login, even if evidence or a server's response names that host.

use reqwest::Url;

use crate::client::challenge::TokenServer;
use crate::client::secret::Login;

/// Who specified an image's registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// The command line or the settings.
    User,
    /// Only the build server's response. No login is then sent: a dishonest server could otherwise make this program
    /// read an image that only the login's owner may read.
    Answer,
}

/// The logins that may be sent to one server.
#[derive(Debug, Default)]
pub(crate) struct Access {
    /// The login that was supplied for this server.
    pub(crate) own: Option<Login>,
    /// The registry's login, for a trust server without a separate login; it may be sent only to the token server that the registry specified.
    pub(crate) lent: Option<Lent>,
    /// The hint to show if the server requires a login that was not sent.
    pub(crate) hint: Option<&'static str>,
}

/// A registry's login. The login may be sent to the registry's token server if a trust server refers to that token server.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) login: Login,
    /// The token server that the registry itself specified.
    pub(crate) named: TokenServer,
    /// The only access that a token requested with the registry's login may allow.
    pub(crate) scope: String,
}

impl Access {
    /// The token request to send instead of the one that this server asked for, and the login to send with it. With the registry's login, the request
    /// is restricted to [`Lent::scope`].
    pub(crate) fn to_token_server(&self, asked: TokenServer) -> (TokenServer, Option<&Login>) {
        match (&self.own, &self.lent) {
            (Some(own), _) => (asked, Some(own)),
            (None, Some(lent)) if lent.fits(&asked) => {
                (TokenServer { scope: Some(lent.scope.clone()), ..asked }, Some(&lent.login))
            }
            _ => (asked, None),
        }
    }
}

impl Lent {
    /// Whether `asked` is the token server that the registry specified, but for a different service. A token for the registry itself is never
    /// requested for a trust server, because the trust server would receive the token and could use it at the registry.
    fn fits(&self, asked: &TokenServer) -> bool {
        let place = |url: &Url| (url.origin(), url.path().to_owned(), url.query().map(str::to_owned));
        place(&self.named.realm) == place(&asked.realm)
            && asked.service.is_some()
            && self.named.service.is_some()
            && asked.service != self.named.service
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::secret::Secret;

    fn server(realm: &str, service: Option<&str>, scope: &str) -> TokenServer {
        let realm = Url::parse(realm).unwrap();
        TokenServer { realm, service: service.map(str::to_owned), scope: Some(scope.into()) }
    }

    #[test]
    fn a_reused_registry_login_is_sent_only_to_the_registrys_token_server_for_one_repository() {
        let login = || Login { user: Secret::new("ada".into()), password: Secret::new("hunter2".into()) };
        let named = server("https://auth.example.com/token", Some("registry"), "repository:acme/wallet:pull");
        let lent = Lent { login: login(), named, scope: "repository:example.com/acme/wallet:pull".into() };
        let access = Access { lent: Some(lent), ..Access::default() };
        let shown = |realm: &str, service: Option<&str>| {
            let (asked, login) = access.to_token_server(server(realm, service, "repository:other:pull,push"));
            login.map(|_| asked.scope.unwrap())
        };
        let good = Some("repository:example.com/acme/wallet:pull".to_owned());
        assert_eq!(shown("https://auth.example.com/token", Some("notary")), good);
        for (realm, service) in [
            ("https://auth.example.com/token", Some("registry")),
            ("https://auth.example.com/token", None),
            ("https://auth.example.com/other", Some("notary")),
            ("https://auth.example.com/token?x", Some("notary")),
            ("https://auth.example.com:8443/token", Some("notary")),
            ("http://auth.example.com/token", Some("notary")),
            ("https://evil.example.com/token", Some("notary")),
        ] {
            assert_eq!(shown(realm, service), None, "{realm} {service:?}");
        }
        // A server's own login is sent to the token server that this server specifies, with the scope that the server states.
        let access = Access { own: Some(login()), ..access };
        let (asked, login) = access.to_token_server(server("https://b.example.com/t", None, "x"));
        assert!(login.is_some() && asked.scope.as_deref() == Some("x"));
    }
}
