//! The way to servers other than the build server: registries, Notary servers, object stores, anything given by address.

use std::path::PathBuf;
use std::sync::OnceLock;

use reqwest::Url;
use rustls::ClientConfig;

use crate::client::address::is_loopback;
use crate::client::http::{Http, Proxies, Resolve};
use crate::client::logins::find_login;
use crate::client::run::Run;
use crate::client::secret::Login;
use crate::client::tls;
use crate::error::Error;

/// How servers other than the build server are reached.
#[derive(Debug, Clone, Default)]
pub struct OutsideOptions {
    /// One more CA, beside the system's.
    pub ca: Option<PathBuf>,
    /// Where names lead.
    pub resolves: Vec<Resolve>,
    /// Files with logins for registries.
    pub login_files: Vec<PathBuf>,
    /// A login from the settings: registry, and what it takes. It is used when no file has one, and for that registry only.
    pub settings_login: Option<(String, Login)>,
}

/// Makes clients for those servers.
pub(crate) struct Outside<'a> {
    pub(crate) run: Run<'a>,
    /// Made when it is first needed: reading the system's roots takes its time.
    tls: OnceLock<ClientConfig>,
    options: &'a OutsideOptions,
}

impl<'a> Outside<'a> {
    pub(crate) fn new(run: Run<'a>, options: &'a OutsideOptions) -> Self {
        Self { run, tls: OnceLock::new(), options }
    }

    /// A client for the server at `url`. What is on this computer is never asked through a proxy.
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
        Http::new(tls, &self.options.resolves, proxies, self.run.patience)
    }

    /// The login for a registry's repository.
    pub(crate) fn login(&self, registry: &str, repository: &str) -> Result<Option<Login>, Error> {
        let found = find_login(&self.options.login_files, registry, repository, self.run.limits)?;
        let of_settings = self.options.settings_login.as_ref().filter(|(server, _)| server == registry);
        Ok(found.or_else(|| of_settings.map(|(_, login)| login.clone())))
    }
}
