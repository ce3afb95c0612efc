//! Each provider's words for each kind of usage: service, category, resource type, meter, unit and price.

use super::meters::Kind;

/// What a provider calls a kind of usage: service, category, subcategory, resource type, meter, unit, price.
pub(super) type Words = (&'static str, &'static str, &'static str, &'static str, String, &'static str, i64);

const COMPUTE: (&str, &str) = ("Compute", "Virtual Machines");
const NETWORK: (&str, &str) = ("Networking", "Network Connectivity");
const LOGS: (&str, &str) = ("Management and Governance", "Observability");
const SUPPORT: (&str, &str) = ("Management and Governance", "Support");

fn words(
    service: &'static str,
    class: (&'static str, &'static str),
    resource: &'static str,
    name: impl Into<String>,
    unit: &'static str,
    price: i64,
) -> Words {
    (service, class.0, class.1, resource, name.into(), unit, price)
}

pub(super) fn aws(kind: Kind) -> Words {
    const EC2: &str = "Amazon Elastic Compute Cloud";
    const RDS: &str = "Amazon Relational Database Service";
    const DATA: (&str, &str) = ("Databases", "Relational Databases");
    match kind {
        Kind::Machine(size) | Kind::Memory(size) => {
            words(EC2, COMPUTE, "instance", format!("On Demand Linux {} Instance Hour", size.name), "Hours", size.hour)
        }
        Kind::Database(size) => {
            words(RDS, DATA, "db", format!("{} PostgreSQL Instance Hour", size.name), "Hours", size.hour)
        }
        Kind::DatabaseStorage => words(RDS, DATA, "db", "GB-month of provisioned gp3 storage", "GB-Months", 115_000),
        Kind::Bucket => words(
            "Amazon Simple Storage Service",
            ("Storage", "Object Storage"),
            "bucket",
            "GB-month of Standard storage",
            "GB-Months",
            20_000,
        ),
        // EBS volumes are billed as part of EC2, and categorized as storage: a service with two categories.
        Kind::Disk => {
            words(EC2, ("Storage", "Block Storage"), "volume", "GB-month of gp3 storage", "GB-Months", 76_800)
        }
        Kind::Egress => words("AWS Data Transfer", NETWORK, "", "GB of data transfer out", "GB", 96_000),
        Kind::Cluster => words(
            "Amazon Elastic Container Service for Kubernetes",
            ("Compute", "Containers"),
            "cluster",
            "Amazon EKS cluster hour",
            "Hours",
            80_000,
        ),
        Kind::Balancer => {
            words("Elastic Load Balancing", NETWORK, "loadbalancer", "Application LoadBalancer-hour", "Hours", 20_200)
        }
        Kind::BalancerUnits => {
            words("Elastic Load Balancing", NETWORK, "loadbalancer", "Application LCU-hour", "LCU-Hours", 6_400)
        }
        Kind::Logs => words("AmazonCloudWatch", LOGS, "log-group", "GB of log data ingested", "GB", 560_000),
        Kind::Support => words("AWS Support (Business)", SUPPORT, "", "day of Business Support", "Days", 92_000_000),
    }
}

pub(super) fn google(kind: Kind) -> Words {
    const SQL: &str = "Cloud SQL";
    const DATA: (&str, &str) = ("Databases", "Relational Databases");
    match kind {
        Kind::Machine(size) => {
            words("Compute Engine", COMPUTE, "Instance", format!("{} Instance Core", size.series), "Hours", size.hour)
        }
        Kind::Memory(size) => words(
            "Compute Engine",
            COMPUTE,
            "Instance",
            format!("{} Instance Ram", size.series),
            "GiB-Hours",
            size.memory_hour,
        ),
        Kind::Database(size) => {
            words(SQL, DATA, "Instance", format!("Cloud SQL for PostgreSQL: Zonal - {}", size.name), "Hours", size.hour)
        }
        Kind::DatabaseStorage => {
            words(SQL, DATA, "Instance", "Cloud SQL for PostgreSQL: Zonal - Standard storage", "GiB-Months", 170_000)
        }
        Kind::Bucket => {
            words("Cloud Storage", ("Storage", "Object Storage"), "Bucket", "Standard Storage", "GiB-Months", 16_200)
        }
        Kind::Disk => {
            words("Compute Engine", ("Storage", "Block Storage"), "Disk", "Balanced PD Capacity", "GiB-Months", 100_000)
        }
        Kind::Egress => words("Networking", NETWORK, "", "Network Internet Data Transfer Out", "GiB", 97_000),
        Kind::Cluster => words(
            "Kubernetes Engine",
            ("Compute", "Containers"),
            "Cluster",
            "Regional Kubernetes Clusters",
            "Hours",
            81_000,
        ),
        Kind::Balancer => {
            words("Networking", NETWORK, "ForwardingRule", "External Load Balancing Rule", "Hours", 20_300)
        }
        Kind::BalancerUnits => {
            words("Networking", NETWORK, "ForwardingRule", "Load Balancing Data Processing", "GiB", 8_100)
        }
        Kind::Logs => words("Cloud Logging", LOGS, "LogBucket", "Log Storage cost", "GiB", 405_000),
        Kind::Support => words("Support", SUPPORT, "", "Standard Support day", "Days", 13_000_000),
    }
}

pub(super) fn azure(kind: Kind) -> Words {
    const SQL: &str = "Azure SQL Database";
    const DATA: (&str, &str) = ("Databases", "Relational Databases");
    match kind {
        Kind::Machine(size) | Kind::Memory(size) => {
            words("Virtual Machines", COMPUTE, "Virtual machine", size.name, "Hours", size.hour)
        }
        Kind::Database(size) => {
            words(SQL, DATA, "SQL database", format!("{} {} vCore", size.series, size.vcpus), "Hours", size.hour)
        }
        Kind::DatabaseStorage => words(SQL, DATA, "SQL database", "General Purpose Data Stored", "GB-Months", 115_000),
        Kind::Bucket => words(
            "Storage Accounts",
            ("Storage", "Object Storage"),
            "Storage account",
            "Hot LRS Data Stored",
            "GB-Months",
            16_000,
        ),
        Kind::Disk => words(
            "Virtual Machines",
            ("Storage", "Block Storage"),
            "Disk",
            "Premium SSD v2 Provisioned Capacity",
            "GB-Months",
            81_000,
        ),
        Kind::Egress => words("Bandwidth", NETWORK, "", "Standard Data Transfer Out", "GB", 87_000),
        Kind::Cluster => words(
            "Azure Kubernetes Service",
            ("Compute", "Containers"),
            "Kubernetes service",
            "Standard Uptime SLA",
            "Hours",
            80_000,
        ),
        Kind::Balancer => words("Load Balancer", NETWORK, "Load balancer", "Standard Included Rules", "Hours", 20_000),
        Kind::BalancerUnits => words("Load Balancer", NETWORK, "Load balancer", "Standard Data Processed", "GB", 4_000),
        Kind::Logs => {
            words("Azure Monitor", LOGS, "Log Analytics workspace", "Pay-as-you-go Data Ingestion", "GB", 1_840_000)
        }
        Kind::Support => words("Microsoft Support", SUPPORT, "", "Standard Support day", "Days", 2_700_000),
    }
}
