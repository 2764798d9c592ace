//! Which login may be sent to a server. A login goes to the host that it was given for and to the token server that
//! this host names, over TLS or within this computer. It never goes to a host that evidence or another server's answer
//! named.

use reqwest::Url;

use crate::client::challenge::TokenServer;
use crate::client::secret::Login;

/// Where the name of an image's registry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// The command line or the settings.
    User,
    /// The build server's answer. A dishonest server could make us use our login to read an image that only we may
    /// read.
    Answer,
}

/// What may be sent to one server.
#[derive(Debug, Default)]
pub(crate) struct Access {
    /// The login that was given for this server.
    pub(crate) own: Option<Login>,
    /// For a trust server without its own login: the registry's login, for the token server that the registry named.
    pub(crate) lent: Option<Lent>,
    /// The hint to show if the server requires a login anyway.
    pub(crate) hint: Option<&'static str>,
}

/// A registry's login, for the registry's token server when a trust server points to it.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) login: Login,
    /// The token server, as the registry itself named it.
    pub(crate) named: TokenServer,
    /// The only access that such a token may allow.
    pub(crate) scope: String,
}

impl Access {
    /// The request for the token server `asked`, which this server named, as it may be sent, and the login to send with
    /// it.
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
    /// Whether it is exactly the token server that the registry named. A token for the registry itself is never
    /// requested this way: the trust server would receive it and could use it there.
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
    fn a_lent_login_goes_only_to_the_registrys_token_server_for_one_repository() {
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
        // A server's own login goes to the token server that it names, with the scope that it states.
        let access = Access { own: Some(login()), ..access };
        let (asked, login) = access.to_token_server(server("https://b.example.com/t", None, "x"));
        assert!(login.is_some() && asked.scope.as_deref() == Some("x"));
    }
}
