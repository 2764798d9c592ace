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
fn admission_runs() -> Outcome {
    admission::main()
}

#[test]
fn audit_runs() -> Outcome {
    audit::main()
}

#[test]
fn compare_runs() -> Outcome {
    compare::main()
}

#[test]
fn image_runs() -> Outcome {
    image::main()
}

#[test]
fn policy_runs() -> Outcome {
    policy::main()
}

#[test]
fn report_runs() -> Outcome {
    report::main()
}
