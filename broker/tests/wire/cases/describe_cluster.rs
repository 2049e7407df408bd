//! DescribeCluster: endpoint types, authorized operations, fenced brokers.

use protocol::messages::describe_cluster::{self, DescribeClusterRequest};

use super::admin_requests::{bytes, step};
use super::requests::tagged;
use crate::scenario::{Run, Scenario};

const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;

pub fn scenarios(_run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        let mut scenario = Scenario::new(format!("all v{version}"));
        for endpoint_type in [1, 2, 0, 3, -1, 127, -128] {
            for operations in [false, true] {
                for fenced in [false, true] {
                    let request = DescribeClusterRequest {
                        include_cluster_authorized_operations: operations,
                        endpoint_type,
                        include_fenced_brokers: fenced,
                    };
                    let label =
                        format!("type {endpoint_type}, operations {operations}, fenced {fenced}");
                    scenario = scenario.step(step!(label, describe_cluster, version, &request));
                }
            }
        }
        all.push(scenario);
        all.push(bytes(describe_cluster::KEY, version));
        let mut body = Vec::new();
        DescribeClusterRequest::default().encode(&mut body, version);
        let tags = tagged(describe_cluster::KEY, version, &body);
        all.push(Scenario::new(format!("tags v{version}")).steps(tags));
    }
    all
}
