//! Resource and account ids as each provider writes them, made up from names, leading zeros and all.

use super::build::Resource;
use super::catalog::Account;
use super::clouds::{Book, Cloud};
use super::meters::Kind;
use super::seed::{self, DIGITS, HEX};

/// The id of an account: twelve digits on AWS, some with leading zeros; a project name; a subscription path.
pub(super) fn account(book: &Book, name: &str) -> String {
    let number = seed::of_text(name);
    match book.cloud {
        Cloud::Aws if number.is_multiple_of(3) => format!("00{}", seed::letters(number, DIGITS, 10)),
        Cloud::Aws => seed::letters(number, DIGITS, 12),
        Cloud::Google => format!("corebank-{name}"),
        Cloud::Azure => format!("/subscriptions/{}", seed::uuid(name)),
    }
}

/// The ResourceId of a resource in one of its meters; traffic and support plans have none.
pub(super) fn resource(account: &Account, kind: Kind, resource: &Resource) -> Option<String> {
    if matches!(kind, Kind::Egress | Kind::Support) {
        return None;
    }
    let name = resource.name();
    let number = seed::of_text(&format!("{}|{}|{name}", account.id, resource.region.id));
    Some(match account.book.cloud {
        Cloud::Aws => aws(account, kind, resource, &name, number),
        Cloud::Google => google(account, kind, resource, &name, number),
        Cloud::Azure => azure(account, kind, &name),
    })
}

fn aws(account: &Account, kind: Kind, resource: &Resource, name: &str, number: u64) -> String {
    let arn = |service: &str, tail: String| format!("arn:aws:{service}:{}:{}:{tail}", resource.region.id, account.id);
    match kind {
        Kind::Machine(_) | Kind::Memory(_) => format!("i-0{}", seed::letters(number, HEX, 16)),
        Kind::Disk => format!("vol-0{}", seed::letters(number, HEX, 16)),
        Kind::Database(_) | Kind::DatabaseStorage => arn("rds", format!("db:{name}")),
        Kind::Cluster => arn("eks", format!("cluster/{name}")),
        Kind::Balancer | Kind::BalancerUnits => {
            arn("elasticloadbalancing", format!("loadbalancer/app/{name}/{}", seed::letters(number, HEX, 16)))
        }
        Kind::Logs => arn("logs", format!("log-group:/{name}")),
        Kind::Bucket | Kind::Egress | Kind::Support => name.to_owned(),
    }
}

fn google(account: &Account, kind: Kind, resource: &Resource, name: &str, number: u64) -> String {
    let zone = format!("{}{}", resource.region.id, resource.region.zone);
    let (project, region) = (&account.id, resource.region.id);
    match kind {
        // Machines are known by number in the bill and by name in Kubernetes.
        Kind::Machine(_) | Kind::Memory(_) => {
            let instance = 1_000_000_000_000_000_000 + number % 8_000_000_000_000_000_000;
            format!("//compute.googleapis.com/projects/{project}/zones/{zone}/instances/{instance}")
        }
        Kind::Disk => format!("//compute.googleapis.com/projects/{project}/zones/{zone}/disks/{name}"),
        Kind::Database(_) | Kind::DatabaseStorage => {
            format!("//sqladmin.googleapis.com/projects/{project}/instances/{name}")
        }
        Kind::Cluster => format!("//container.googleapis.com/projects/{project}/locations/{region}/clusters/{name}"),
        Kind::Balancer | Kind::BalancerUnits => {
            format!("//compute.googleapis.com/projects/{project}/regions/{region}/forwardingRules/{name}")
        }
        Kind::Logs => format!("//logging.googleapis.com/projects/{project}/locations/global/buckets/{name}"),
        Kind::Bucket | Kind::Egress | Kind::Support => format!("//storage.googleapis.com/projects/_/buckets/{name}"),
    }
}

/// Azure's FOCUS exports write resource ids in lower case.
fn azure(account: &Account, kind: Kind, name: &str) -> String {
    let place = match kind {
        Kind::Machine(_) | Kind::Memory(_) => "microsoft.compute/virtualmachines",
        Kind::Disk => "microsoft.compute/disks",
        Kind::Database(_) | Kind::DatabaseStorage => "microsoft.sql/servers/main/databases",
        Kind::Cluster => "microsoft.containerservice/managedclusters",
        Kind::Balancer | Kind::BalancerUnits => "microsoft.network/loadbalancers",
        Kind::Logs => "microsoft.operationalinsights/workspaces",
        Kind::Bucket | Kind::Egress | Kind::Support => "microsoft.storage/storageaccounts",
    };
    format!("{}/resourcegroups/rg-platform/providers/{place}/{name}", account.id)
}
