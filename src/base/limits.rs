//! Every bound on untrusted input, in one place, each with its reason.
//!
//! To add a bound: one line in the table below. Its unit is the last word of its name. `limits.NAME` is the number, `limits.NAME()` the
//! [`Bound`]: number and name together, which checks a size and makes the error.

use std::fmt::{self, Display, Formatter};

use crate::base::error::Error;

/// A bound: its name in [`Limits`], and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub(crate) name: &'static str,
    pub(crate) allowed: u64,
}

impl Display for Bound {
    /// `name=value`, as `--limit` takes it.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.allowed)
    }
}

impl Bound {
    /// The error for `what` being over this bound.
    pub(crate) fn exceeded(self, what: impl Display) -> Error {
        Error::OverLimit { what: what.to_string(), limit: self.name, allowed: self.allowed }
    }

    /// Checks that `size` is within the bound.
    ///
    /// # Errors
    /// [`Error::OverLimit`], naming `what`.
    pub(crate) fn check(self, size: u64, what: impl Display) -> Result<(), Error> {
        if size > self.allowed { Err(self.exceeded(what)) } else { Ok(()) }
    }

    /// Subtracts `size` from `left`.
    ///
    /// # Errors
    /// [`Error::OverLimit`], naming `what`, if less is left.
    pub(crate) fn take(self, left: u64, size: u64, what: impl Display) -> Result<u64, Error> {
        left.checked_sub(size).ok_or_else(|| self.exceeded(what))
    }
}

macro_rules! limits {
    ($($name:ident = $default:expr, $reason:literal;)*) => {
        /// The bounds. `Default` has the values that the program uses unless told otherwise.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Limits {
            $(#[doc = $reason] pub $name: u64,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            $(#[doc = $reason] pub fn $name(&self) -> Bound {
                Bound { name: stringify!($name), allowed: self.$name }
            })*

            /// Name, value and reason of every bound, in the table's order.
            pub fn entries(&self) -> Vec<(&'static str, u64, &'static str)> {
                vec![$((stringify!($name), self.$name, $reason),)*]
            }

            /// Sets the bound called `name`, whose words may be separated by `-` or `_`. `None`: there is no such bound.
            pub fn set(&mut self, name: &str, value: u64) -> Option<()> {
                match name.replace('-', "_").as_str() {
                    $(stringify!($name) => self.$name = value,)*
                    _ => return None,
                }
                Some(())
            }
        }
    };
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

limits! {
    work_base_units = 6_000_000_000, "work of one audit or request, whatever its input: 15 s on two cores at 200 MB/s";
    work_per_megabyte_units = 400_000_000, "further work for each megabyte of input: a second on two cores";
    work_most_units = 240_000_000_000, "work of one audit, whatever its input: 600 s on two cores";
    held_base_bytes = 300_000_000, "memory of one audit, in addition to that for its input";
    held_per_input_bytes = 2, "further memory for each byte of input";
    request_base_bytes = MIB, "memory of one webhook request, in addition to that for its text";
    request_per_input_bytes = 20, "further memory for each byte of the request: JSON grows when it is read";
    answer_bytes = 16 * MIB, "text of one report: lists show their first entries and a count, so large reports are rare";
    bundle_bytes = 4 * GIB, "a bundle on disk; the largest clones in use are far smaller";
    signed_archive_bytes = 2 * GIB, "the signed archive is held in memory once";
    signature_bytes = 8 * KIB, "hex text of an 8192-bit RSA signature is 2,048 bytes";
    expanded_bytes = 32 * GIB, "an archive after decompression: bzip2 can expand more than a million to one";
    archive_members = 2_000_000, "members of one archive: each costs memory before it is judged";
    path_bytes = 4 * KIB, "a member's path, as PATH_MAX on Linux";
    names_bytes = 512 * MIB, "paths and link targets of all members together: they are held to find duplicates";
    extended_header_bytes = MIB, "one PAX or GNU extension header";
    build_record_bytes = MIB, "data/build.json is a record of a few hundred bytes";
    build_log_bytes = 256 * MIB, "data/build.log is held in memory while it is read";
    build_log_line_bytes = MIB, "one line of the log, with its continuation lines";
    git_bytes = 2 * GIB, "everything below .git is held in memory while it is proved";
    git_objects = 20_000_000, "objects of one repository: each costs about a hundred bytes of tables";
    git_object_bytes = GIB, "one object after inflating; hosting services refuse files above 100 MB";
    git_delta_bytes = GIB, "bases of deltas held at a time by one thread; a sound pack needs a few times its largest object";
    git_delta_depth = 4_095, "length of a chain of deltas; git makes 50 and allows 4,095 (git-pack-objects(1), --depth)";
    git_inflated_bytes = 128 * GIB, "all objects of a repository after inflating; twenty times its packs is usual";
    git_tree_entries = 2_000_000, "files and folders of one tree; nested trees can name astronomically many";
    git_tree_depth = 1_000, "folders in folders of one tree; a path has at most 4,096 bytes";
    git_listing_bytes = 256 * MIB, "paths of one tree together: a million long ones";
    git_config_bytes = MIB, "a config, .gitattributes or .gitignore file is written by a person";
    git_rule_letters = 4_000_000_000, "pattern bytes times path bytes, plus attributes, plus four times the bytes of converted files: seconds of time";
    git_signed_bytes = 64 * MIB, "signed commits and tags are held once more, without their signatures";
    git_submodule_depth = 16, "submodules in submodules";
    work_tree_bytes = 16 * GIB, "files of the work tree are hashed in a stream, not held";
    key_file_bytes = 64 * KIB, "a public key in PEM is below 2 KiB";
    key_files_beside = 1_000, "files next to a bundle that are tried as keys";
    state_bytes = 4 * GIB, "the finished reports of an interrupted run: about 32 KiB for each bundle";
    report_bytes = 512 * MIB, "a saved JSON report: about 16 KiB for each bundle";
    case_bytes = 8 * GIB - 1, "all members of a case: they are held in memory; a ustar header allows no larger size";
    case_members = 100_000, "members of a case: each costs memory before it is judged";
    case_record_bytes = 64 * MIB, "case.json names each member in about two hundred bytes";
    attached_bytes = 64 * MIB, "each file added to a case after it was sealed; a seal holds case.json as base64";
    timestamp_bytes = 256 * KIB, "a time-stamp with its certificates is below 10 KiB";
    timestamp_certificates = 32, "certificates in one time-stamp: each may cost a verification";
    approvals_bytes = 64 * MIB, "a list of approvals is held in memory";
    given_key_tries = 20_000, "signatures that are tried with keys beside bundles, to count what each of those keys verifies";
    workload_bytes = 16 * MIB, "a compose file, manifests or a contract; the archive in a contract is base64 in it";
    workload_archive_bytes = 64 * MIB, "the archive of a contract after decompression, held in memory";
    workload_images = 10_000, "images of one workload: each costs a separate report";
    yaml_nodes = 250_000, "mappings, lists and strings of one YAML file, including those that aliases repeat";
    yaml_depth = 64, "nesting of YAML; manifests stay below twenty";
    yaml_documents = 1_024, "documents of one YAML file";
    review_bytes = 8 * MIB, "an AdmissionReview holds an object twice; the store of Kubernetes takes 1.5 MiB";
    review_nodes = 100_000, "values in an AdmissionReview: a pod with twenty containers has about two thousand";
    review_key_bytes = KIB, "a key in an AdmissionReview: labels and annotations have at most 317 bytes";
    review_images = 1_000, "images of one object that are judged";
    inventory_bytes = 64 * MIB, "one inventory file; a pod takes about five kilobytes, and several files may be given";
    inventory_entries = 200_000, "images in one inventory: each costs a row";
    policy_bytes = MIB, "a policy is written by a person";
    trust_bytes = 64 * MIB, "all files of image signatures of one bundle are held in memory";
    trust_signatures = 1_000, "signatures in one file: each costs a verification";
    trust_delegations = 1_000, "delegated roles of one repository";
    bundles = 100_000, "bundles found below the paths of one call";
    registry_document_bytes = 4 * MIB, "a registry's manifest, index, referrers or token (4 MiB by the distribution specification)";
    image_config_bytes = 8 * MIB, "an image's configuration";
    image_layer_bytes = 32 * GIB, "one layer as the registry stores it";
    image_layers = 4_000, "layers of an image; container engines stop at 127";
    image_index_depth = 4, "nesting of image indexes: one level is usual, two occur";
    image_documents_bytes = 32 * MIB, "JSON files of an image archive, held while it is read once from start to end";
    layer_expanded_bytes = 128 * GIB, "one layer after decompression; it is hashed in a stream, not held";
    zstd_window_bytes = 32 * MIB, "the zstd window, held in memory; levels up to 20 need no more";
    folder_depth = 32, "depth of folders searched for bundles";
    settings_bytes = MIB, "settings of the build server's client are written by a person";
    tls_file_bytes = MIB, "a CA, or a client certificate with its key, in PEM";
    server_answer_bytes = MIB, "status, public key, image digest, image key: a few kilobytes each";
    server_manifest_bytes = 3 * GIB, "a bundle as base64 in one JSON answer, decoded as it arrives";
    server_log_bytes = 512 * MIB, "a build log as one JSON string";
    listing_bytes = 16 * MIB, "one page of a bucket's listing: 1,000 objects";
    listed_objects = 1_000_000, "objects of a bucket that are looked at";
    listing_pages = 10_000, "pages of one listing: a bucket's objects, an image's referrers";
    listing_total_bytes = 2 * GIB, "all pages of a bucket's listing: four times a million objects of half a kilobyte";
    object_key_bytes = 2 * KIB, "one key of a bucket; object stores allow 1,024 bytes";
    misnamed_objects = 100, "bucket objects reported for not being named like bundles: the rest are only counted";
    answer_nodes = 2_000_000, "values in one JSON answer of a server that provides evidence";
    answer_memory_bytes = 512 * MIB, "memory for the values of one JSON answer, without their text";
    trust_source_bytes = 4 * GIB, "everything that one source sends for the signatures of one image";
    image_bytes = 1024 * GIB, "all blobs of one image, as downloaded";
    fetched_bytes = 16 * 1024 * GIB, "all answers of one run of `fetch`";
    fetch_questions = 5_000_000, "requests of one run of `fetch`: a bucket of 100,000 builds with an image of twenty blobs each";
    image_manifests = 200, "manifests of one image: an index names one per platform; images of a docker-archive";
    trust_file_bytes = 16 * MIB, "one trust metadata file, or the layer of one signature";
    trust_files = 10_000, "files of trust metadata of one image: root versions, delegations, signatures";
    builder_file_bytes = 64 * MIB, "a certificate or a revocation list";
    evidence_record_bytes = 64 * MIB, "evidence.json names each saved file in a few hundred bytes";
    kept_beside = 1_000, "versions kept of a file that differs between retrievals";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_can_be_set_by_its_name() {
        let mut limits = Limits::default();
        for (name, value, reason) in Limits::default().entries() {
            assert!(limits.set(&name.replace('_', "-"), value + 1).is_some(), "{name}");
            assert!(!reason.is_empty());
        }
        for ((_, before, _), (name, after, _)) in Limits::default().entries().iter().zip(limits.entries()) {
            assert_eq!(before + 1, after, "{name}");
        }
        assert!(limits.set("no-such-bound", 1).is_none());
    }

    #[test]
    fn a_bound_allows_its_own_value_and_names_itself() {
        let limits = Limits { trust_files: 2, ..Limits::default() };
        let bound = limits.trust_files();
        let over = Error::OverLimit { what: "it".into(), limit: "trust_files", allowed: 2 };
        assert_eq!((bound.check(2, "it"), bound.check(3, "it")), (Ok(()), Err(over.clone())));
        assert_eq!((bound.take(2, 2, "it"), bound.take(1, 2, "it")), (Ok(0), Err(over)));
        assert_eq!(bound.to_string(), "trust_files=2");
    }
}
