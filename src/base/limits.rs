//! The bounds on untrusted input that genuine input may need to exceed, in one place, each with its reason. Fixed bounds of a format, such as key
//! sizes and nesting, are constants next to their parser.
//!
//! To add a bound, add one line to the table below. The last word of a bound's name is normally its unit. `limits.NAME` is the number;
//! `limits.NAME()` is the [`Bound`], which has the number and the name, checks a size and creates the error.

use std::fmt::{self, Display, Formatter};

use crate::base::error::Error;

/// A bound: its name in [`Limits`], and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub(crate) name: &'static str,
    pub(crate) allowed: u64,
}

impl Display for Bound {
    /// `name=value`, the form that `--limit` accepts.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.allowed)
    }
}

impl Bound {
    /// The error that `what` exceeds this bound.
    pub(crate) fn exceeded(self, what: impl Display) -> Error {
        Error::OverLimit { what: what.to_string(), limit: self.name, allowed: self.allowed }
    }

    /// Checks that `size` is within the bound.
    ///
    /// # Errors
    /// [`Error::OverLimit`], which names `what`.
    pub(crate) fn check(self, size: u64, what: impl Display) -> Result<(), Error> {
        if size > self.allowed { Err(self.exceeded(what)) } else { Ok(()) }
    }

    /// Subtracts `size` from `left`.
    ///
    /// # Errors
    /// [`Error::OverLimit`], which names `what`, if `left` is smaller than `size`.
    pub(crate) fn take(self, left: u64, size: u64, what: impl Display) -> Result<u64, Error> {
        left.checked_sub(size).ok_or_else(|| self.exceeded(what))
    }
}

macro_rules! limits {
    ($($name:ident = $default:expr, $reason:literal;)*) => {
        /// The bounds. `Default` has the values that the program uses unless `--limit` changes them.
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

            /// Sets the bound called `name`, whose words may be separated by `-` or `_`. `None` if there is no such bound.
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
    work_base_units = 6_000_000_000, "work allowed for an audit or request, before the allowance for its input: 15 s on two cores at 200 MB/s";
    work_per_megabyte_units = 400_000_000, "additional work for each megabyte of input: one second on two cores";
    work_most_units = 240_000_000_000, "maximum work for one audit or request, however large its input: 600 s on two cores";
    held_base_bytes = 300_000_000, "memory for one audit, in addition to that for its input";
    held_per_input_bytes = 2, "additional memory for each byte of input";
    request_base_bytes = MIB, "memory for one webhook request, in addition to that for its text";
    request_per_input_bytes = 20, "additional memory for each byte of the request: parsed JSON takes more memory than its text";
    answer_bytes = 16 * MIB, "text of one report: lists show their first entries and a count, so large reports are rare";
    bundle_bytes = 4 * GIB, "a bundle on disk";
    signed_archive_bytes = 2 * GIB, "the signed archive, held in memory once";
    signature_bytes = 8 * KIB, "the hex text of an 8192-bit RSA signature has 2,048 bytes";
    expanded_bytes = 32 * GIB, "an archive after decompression: bzip2 can expand data more than a millionfold";
    archive_members = 2_000_000, "members of one archive: each uses memory before it is checked";
    path_bytes = 4 * KIB, "a member's path; the same as PATH_MAX on Linux";
    names_bytes = 512 * MIB, "paths and symbolic link targets of all members together, held in memory";
    extended_header_bytes = MIB, "one PAX or GNU extension header";
    build_record_bytes = MIB, "data/build.json, a record of a few hundred bytes";
    build_log_bytes = 256 * MIB, "data/build.log, held in memory while it is read";
    build_log_line_bytes = MIB, "one line of the log";
    git_bytes = 2 * GIB, "everything below .git, held in memory while it is verified";
    git_objects = 20_000_000, "objects in one repository: each takes about 160 bytes in tables";
    git_object_bytes = GIB, "one object after inflating; some hosting services refuse files above 100 MB";
    git_delta_bytes = GIB, "delta bases that one thread holds at the same time; a valid pack needs a few times the size of its largest object";
    git_delta_depth = 4_095, "length of a delta chain; git's default is 50 and its maximum 4,095 (git-pack-objects(1), --depth)";
    git_inflated_bytes = 128 * GIB, "objects of a repository and its submodules after inflating; twenty times the size of the packs is usual";
    git_tree_entries = 2_000_000, "files and folders in one tree; nested trees can refer to an astronomical number of them";
    git_tree_depth = 1_000, "nesting of folders in one tree; a path has at most 4,096 bytes";
    git_listing_bytes = 256 * MIB, "all paths in one tree together: enough for a million long paths";
    git_config_bytes = MIB, "a config, .gitmodules, .gitattributes or .gitignore file, written by a person";
    git_rule_letters = 4_000_000_000, "pattern bytes times path bytes, plus attributes, plus four times the bytes of converted files: a few seconds of work";
    git_signed_bytes = 64 * MIB, "copies of the signed commit and tags at HEAD, with their signatures";
    git_submodule_depth = 16, "nesting of submodules";
    work_tree_bytes = 16 * GIB, "files in the work tree, hashed as a stream and not held in memory";
    key_file_bytes = 64 * KIB, "a public key; in PEM it is below 2 KiB";
    key_files_beside = 1_000, "possible key files read next to a bundle";
    state_bytes = 4 * GIB, "the finished reports of an interrupted run: about 32 KiB for each bundle";
    report_bytes = 512 * MIB, "a saved JSON report: about 16 KiB for each bundle";
    case_bytes = 8 * GIB - 1, "all members of a case, held in memory; a ustar header allows no larger size";
    case_members = 100_000, "members of a case: each uses memory before it is checked";
    case_record_bytes = 64 * MIB, "case.json, which lists each member in about two hundred bytes";
    attached_bytes = 64 * MIB, "each file added to a case after sealing; a seal contains case.json as base64";
    timestamp_bytes = 256 * KIB, "a time-stamp; with its certificates it is usually below 10 KiB";
    timestamp_certificates = 32, "certificates in one time-stamp: each may require a verification";
    approvals_bytes = 64 * MIB, "a list of approvals, held in memory";
    given_key_tries = 20_000, "signature checks with keys next to bundles, to count the bundles that each key verifies";
    workload_bytes = 16 * MIB, "a compose file, manifests or a contract, which contains its archive as base64";
    workload_archive_bytes = 64 * MIB, "the archive in a contract after decompression, held in memory";
    workload_images = 10_000, "images in one workload: each needs a separate report";
    yaml_nodes = 250_000, "mappings, lists and strings in one YAML file, including those that aliases repeat";
    yaml_depth = 64, "nesting depth of YAML; manifests stay below twenty";
    yaml_documents = 1_024, "documents in one YAML file";
    review_bytes = 8 * MIB, "an AdmissionReview, which can contain an object twice; the Kubernetes store accepts objects up to 1.5 MiB";
    review_nodes = 100_000, "values in an AdmissionReview: a pod with twenty containers has about two thousand";
    review_key_bytes = KIB, "a key in an AdmissionReview: label and annotation keys have at most 317 bytes";
    review_images = 1_000, "images that are checked in one object";
    inventory_bytes = 64 * MIB, "one inventory file; a pod takes about five kilobytes, and several files may be supplied";
    inventory_entries = 200_000, "images in one inventory: each needs a row";
    policy_bytes = MIB, "a policy, written by a person";
    trust_bytes = 64 * MIB, "all image-signature files of one bundle, held in memory";
    trust_signatures = 1_000, "signatures in one file: each requires a verification";
    trust_delegations = 1_000, "delegated roles in one repository";
    bundles = 100_000, "bundles found below the paths on one command line";
    registry_document_bytes = 4 * MIB, "a registry's manifest, index, referrers or token (4 MiB by the distribution specification)";
    image_config_bytes = 8 * MIB, "an image's configuration";
    image_layer_bytes = 32 * GIB, "one layer as the registry stores it";
    image_layers = 4_000, "layers in an image; container engines allow at most 127";
    image_index_depth = 4, "nesting of image indexes; usually one level, sometimes two";
    image_documents_bytes = 32 * MIB, "JSON files in an image archive, held while the archive is read once from start to end";
    layer_expanded_bytes = 128 * GIB, "one layer after decompression, hashed as a stream and not held in memory";
    zstd_window_bytes = 32 * MIB, "the zstd window, held in memory; compression levels up to 20 need no more";
    folder_depth = 32, "depth of folders searched for bundles";
    settings_bytes = MIB, "settings of the build server's client, written by a person";
    tls_file_bytes = MIB, "a CA, or a client certificate with its key, in PEM";
    server_answer_bytes = MIB, "a status, public key, image digest or image key: a few kilobytes each";
    server_manifest_bytes = 3 * GIB, "a bundle as base64 in one JSON response, decoded as it arrives";
    server_log_bytes = 512 * MIB, "a build log as one JSON string";
    listing_bytes = 16 * MIB, "one page of a bucket's listing: 1,000 objects";
    listed_objects = 1_000_000, "objects in a bucket that are checked";
    listing_pages = 10_000, "pages of one listing: a bucket's objects, an image's referrers";
    listing_total_bytes = 2 * GIB, "all pages of a bucket's listing: four times the size of a million entries of half a kilobyte each";
    object_key_bytes = 2 * KIB, "the key of one object in a bucket; object stores allow 1,024 bytes";
    misnamed_objects = 100, "bucket objects listed because their names are not bundle names; further ones are only counted";
    answer_nodes = 2_000_000, "values in one JSON response of a server that provides evidence";
    answer_memory_bytes = 512 * MIB, "memory for the values in one JSON response, without their text";
    trust_source_bytes = 4 * GIB, "everything that one source sends for the signatures of one image";
    image_bytes = 1024 * GIB, "all blobs of one image, as downloaded";
    fetched_bytes = 16 * 1024 * GIB, "all responses in one run of `fetch`";
    fetch_questions = 5_000_000, "requests in one run of `fetch`: enough for a bucket of 100,000 builds, each with an image of twenty blobs";
    image_manifests = 200, "manifests of one image (an index lists one per platform), or images in a docker-archive";
    trust_file_bytes = 16 * MIB, "one trust metadata file, or the layer of one signature";
    trust_files = 10_000, "trust metadata files of one image: root versions, delegations, signatures";
    builder_file_bytes = 64 * MIB, "a certificate or a revocation list";
    evidence_record_bytes = 64 * MIB, "evidence.json, which lists each saved file in a few hundred bytes";
    kept_beside = 1_000, "saved versions of a file that differs from one retrieval to the next";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_can_be_set_by_its_name() {
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
    fn a_size_equal_to_the_limit_is_allowed_and_the_error_contains_the_limits_name() {
        let limits = Limits { trust_files: 2, ..Limits::default() };
        let bound = limits.trust_files();
        let over = Error::OverLimit { what: "it".into(), limit: "trust_files", allowed: 2 };
        assert_eq!((bound.check(2, "it"), bound.check(3, "it")), (Ok(()), Err(over.clone())));
        assert_eq!((bound.take(2, 2, "it"), bound.take(1, 2, "it")), (Ok(0), Err(over)));
        assert_eq!(bound.to_string(), "trust_files=2");
    }
}
