//! Reports the features that this build was compiled with.

/// The cargo features that this build has.
pub fn features() -> Vec<&'static str> {
    let known = [
        ("fetch", cfg!(feature = "fetch")),
        ("full", cfg!(feature = "full")),
        ("openpgp", cfg!(feature = "openpgp")),
        ("serve", cfg!(feature = "serve")),
        ("sigstore", cfg!(feature = "sigstore")),
    ];
    known.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
}
