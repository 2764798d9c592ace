//! Decides which addresses may be used by default: https addresses, and http addresses if the traffic cannot leave this computer.

use reqwest::Url;

use crate::base::error::Error;

/// Reads a server's address: `https://…`, or `http://…` on this computer, without a user name or password.
///
/// # Errors
/// [`Error::Usage`], which does not show the address, because an address may contain a password.
pub(crate) fn checked_url(text: &str, what: &str) -> Result<Url, Error> {
    let fail = |message: &str| Error::Usage {
        message: format!("{what} {message}"),
        hint: "expected https://HOST[:PORT], or http://127.0.0.1:PORT for a server on this computer".into(),
    };
    let url = Url::parse(text).map_err(|_| fail("is not an address"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fail("contains a user name or password, which is not allowed"));
    }
    if is_allowed(&url) { Ok(url) } else { Err(fail("is not encrypted")) }
}

/// Whether the address uses https, or http to a loopback address.
pub(crate) fn is_allowed(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.host_str().is_some_and(|host| !host.is_empty()),
        "http" => url.host_str().is_some_and(is_loopback),
        _ => false,
    }
}

/// Whether a server at `from` may redirect to `to`: always within the same origin; otherwise only to an allowed
/// address, and never from https to plain http.
pub(crate) fn may_lead_to(from: &Url, to: &Url) -> bool {
    from.origin() == to.origin() || (is_allowed(to) && (from.scheme() != "https" || to.scheme() == "https"))
}

/// Whether `host` is `localhost` or a loopback address (RFC 6761, 6.3; RFC 5735; RFC 4291).
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_from_https_to_plain_http_are_refused() {
        let may = |from: &str, to: &str| may_lead_to(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
        assert!(may("https://a", "https://b") && may("http://127.0.0.1", "http://127.0.0.1:1"));
        assert!(!may("https://a", "http://127.0.0.1") && !may("http://127.0.0.1", "http://b"));
        // A server that the user chose to reach over plain http.
        assert!(may("http://a:5000/v2/x", "http://a:5000/y") && may("http://a", "https://b"));
        assert!(!may("http://a:5000", "http://a:5001") && !may("http://a", "http://b"));
    }

    #[test]
    fn plain_http_is_allowed_on_this_computer_only() {
        for good in
            ["https://a", "https://a:8443/x", "http://localhost:5000", "http://127.0.0.1:5000", "http://[::1]:1"]
        {
            assert!(checked_url(good, "x").is_ok(), "{good}");
        }
        for bad in [
            "http://a",
            "http://127.0.0.1.example.com",
            "ftp://a",
            "a",
            "https://u:hunter2@a",
            "http://192.0.2.1",
            "file:///etc",
        ] {
            let error = checked_url(bad, "x").unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
