//! Runs the examples on the fixtures that they use.
#![allow(missing_docs, unreachable_pub)]

#[path = "../examples/admission.rs"]
mod admission;
#[path = "../examples/audit.rs"]
mod audit;
#[path = "../examples/compare.rs"]
mod compare;
#[path = "../examples/image.rs"]
mod image;
#[path = "../examples/policy.rs"]
mod policy;
#[path = "../examples/report.rs"]
mod report;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[test]
fn the_admission_example_runs() -> Outcome {
    admission::main()
}

#[test]
fn the_audit_example_runs() -> Outcome {
    audit::main()
}

#[test]
fn the_compare_example_runs() -> Outcome {
    compare::main()
}

#[test]
fn the_image_example_runs() -> Outcome {
    image::main()
}

#[test]
fn the_policy_example_runs() -> Outcome {
    policy::main()
}

#[test]
fn the_report_example_runs() -> Outcome {
    report::main()
}
