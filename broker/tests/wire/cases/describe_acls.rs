//! DescribeAcls without an authorizer: filters good and bad.

use protocol::messages::describe_acls::{self, DescribeAclsRequest};

use super::admin_requests::{bytes, step};
use super::requests::tagged;
use crate::scenario::{Run, Scenario};

const VERSIONS: std::ops::RangeInclusive<i16> = 1..=3;

/// Everything there could be.
fn any() -> DescribeAclsRequest<'static> {
    DescribeAclsRequest {
        resource_type_filter: 1,
        resource_name_filter: None,
        pattern_type_filter: 1,
        principal_filter: None,
        host_filter: None,
        operation: 1,
        permission_type: 1,
    }
}

pub fn scenarios(_run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        let mut scenario = Scenario::new(format!("filters v{version}")).step(step!(
            "any",
            describe_acls,
            version,
            &any()
        ));
        for number in [0, 2, 3, 4, 5, 6, 7, 8, 14, 15, 99, 127, -1, -128] {
            let kind = DescribeAclsRequest {
                resource_type_filter: number,
                ..any()
            };
            let pattern = DescribeAclsRequest {
                pattern_type_filter: number,
                ..any()
            };
            let operation = DescribeAclsRequest {
                operation: number,
                ..any()
            };
            let permission = DescribeAclsRequest {
                permission_type: number,
                ..any()
            };
            scenario = scenario
                .step(step!(
                    format!("type {number}"),
                    describe_acls,
                    version,
                    &kind
                ))
                .step(step!(
                    format!("pattern {number}"),
                    describe_acls,
                    version,
                    &pattern
                ))
                .step(step!(
                    format!("operation {number}"),
                    describe_acls,
                    version,
                    &operation
                ))
                .step(step!(
                    format!("permission {number}"),
                    describe_acls,
                    version,
                    &permission
                ));
        }
        for text in ["", "x", "User:a", "no colon", "*"] {
            let request = DescribeAclsRequest {
                resource_name_filter: Some(text.into()),
                principal_filter: Some(text.into()),
                host_filter: Some(text.into()),
                ..any()
            };
            scenario = scenario.step(step!(
                format!("texts {text:?}"),
                describe_acls,
                version,
                &request
            ));
        }
        all.push(scenario);
        all.push(bytes(describe_acls::KEY, version));
        let mut body = Vec::new();
        any().encode(&mut body, version);
        let tags = tagged(describe_acls::KEY, version, &body);
        all.push(Scenario::new(format!("tags v{version}")).steps(tags));
    }
    all
}
