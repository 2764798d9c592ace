//! Access to servers other than the build server: registries, Notary servers, object stores and anything specified by
//! address.

use std::path::PathBuf;
use std::sync::OnceLock;

use reqwest::Url;
use rustls::ClientConfig;

use crate::base::error::Error;
use crate::client::access::{Access, NamedBy};
use crate::client::address::{checked_url, is_allowed, is_loopback};
use crate::client::http::{Http, Proxies, Resolve};
use crate::client::logins::{Helpers, find_login};
use crate::client::reference::ImageReference;
use crate::client::run::Run;
use crate::client::secret::Login;
use crate::client::spending::Spending;
use crate::client::tls;

/// How to reach servers other than the build server.
#[derive(Debug, Clone, Default)]
pub struct OutsideOptions {
    /// A CA that is trusted in addition to the system's CAs.
    pub ca: Option<PathBuf>,
    /// Fixed addresses for host names.
    pub resolves: Vec<Resolve>,
    /// Files that contain logins for registries.
    pub login_files: Vec<PathBuf>,
    /// Whether the credential helpers specified in those files may be run.
    pub helpers: Helpers,
    /// Registries (`HOST` or `HOST:PORT`) that are reached over plain http.
    pub plain_http: Vec<String>,
    /// A login from the settings, with its registry. This login is used for that registry if no login file has one for it.
    pub settings_login: Option<(String, Login)>,
}

/// Creates clients for servers other than the build server.
pub(crate) struct Outside<'a> {
    pub(crate) run: Run<'a>,
    /// Created on first use, because reading the system's root certificates takes time.
    tls: OnceLock<ClientConfig>,
    options: &'a OutsideOptions,
    spending: Spending,
}

impl<'a> Outside<'a> {
    pub(crate) fn new(run: Run<'a>, options: &'a OutsideOptions, spending: &Spending) -> Self {
        Self { run, tls: OnceLock::new(), options, spending: spending.clone() }
    }

    /// A client for the server at `url`. A server on this computer is never reached through a proxy.
    pub(crate) fn http(&self, url: &Url) -> Result<Http, Error> {
        let local = url.host_str().is_some_and(is_loopback);
        let proxies = if local { Proxies::Never } else { Proxies::FromEnvironment };
        let tls = match self.tls.get() {
            Some(tls) => tls.clone(),
            None => {
                let made = tls::for_public_servers(self.options.ca.as_deref(), self.run.limits)?;
                self.tls.get_or_init(|| made).clone()
            }
        };
        Http::new(tls, &self.options.resolves, proxies, self.run.patience, &self.spending)
    }

    /// The address of an image's registry: https, except on this computer and for registries in `plain_http`.
    pub(crate) fn registry_url(&self, image: &ImageReference) -> Result<Url, Error> {
        let plain = self.options.plain_http.contains(&image.registry);
        let url = plain.then(|| Url::parse(&format!("http://{}", image.host())).ok()).flatten();
        url.map_or_else(|| checked_url(&image.endpoint(), "the registry's address"), Ok)
    }

    /// The logins that may be sent to an image's registry.
    pub(crate) fn registry_access(&self, image: &ImageReference, named_by: NamedBy) -> Result<Access, Error> {
        if named_by == NamedBy::Answer {
            return Ok(Access { hint: Some(NAMED_BY_ANSWER), ..Access::default() });
        }
        if !is_allowed(&self.registry_url(image)?) {
            let hint = "no login is sent over plain http";
            return Ok(Access { hint: Some(hint), ..Access::default() });
        }
        let found = self.login_of(&image.registry, &image.repository)?;
        let of_settings = self.options.settings_login.as_ref().filter(|(server, _)| *server == image.registry);
        let own = found.or_else(|| of_settings.map(|(_, login)| login.clone()));
        Ok(Access { own, ..Access::default() })
    }

    /// The login for a registry or any other server, by its name in the login files.
    pub(crate) fn login_of(&self, server: &str, repository: &str) -> Result<Option<Login>, Error> {
        let OutsideOptions { login_files, helpers, .. } = self.options;
        find_login(login_files, *helpers, server, repository, self.run.limits)
    }
}

/// Explains why no login is sent to a server, and how to change that.
pub(crate) const NAMED_BY_ANSWER: &str = "only the build server's response names this registry, so no login is sent: if you trust the registry, specify it with --image-name";
