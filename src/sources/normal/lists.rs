//! The closed lists of FOCUS (1.0 to 1.4, Cost and Usage), and the names that earlier versions had for their values.

/// What a column may hold; a value outside is kept as read and counted.
pub(in crate::sources) const CHARGE_CATEGORY: &[&str] = &["Usage", "Purchase", "Tax", "Credit", "Adjustment"];
/// Null or this.
pub(in crate::sources) const CHARGE_CLASS: &[&str] = &["Correction"];
/// How often a charge recurs.
pub(in crate::sources) const CHARGE_FREQUENCY: &[&str] = &["One-Time", "Recurring", "Usage-Based"];
/// What a commitment commits to.
pub(in crate::sources) const COMMITMENT_CATEGORY: &[&str] = &["Spend", "Usage"];
/// Whether a commitment or reservation was used.
pub(in crate::sources) const USED: &[&str] = &["Used", "Unused"];
/// The kind of price.
pub(in crate::sources) const PRICING_CATEGORY: &[&str] = &["Standard", "Dynamic", "Committed", "Other"];
/// Names of FOCUS 1.0-preview.
pub(in crate::sources) const PRICING_CATEGORY_RENAMED: &[(&str, &str)] =
    &[("On-Demand", "Standard"), ("Commitment-Based", "Committed")];

/// FOCUS 1.0, ServiceCategory.
pub(in crate::sources) const SERVICE_CATEGORY: &[&str] = &[
    "AI and Machine Learning",
    "Analytics",
    "Business Applications",
    "Compute",
    "Databases",
    "Developer Tools",
    "Identity",
    "Integration",
    "Internet of Things",
    "Management and Governance",
    "Media",
    "Migration",
    "Mobile",
    "Multicloud",
    "Networking",
    "Security",
    "Storage",
    "Web",
    "Other",
];

/// FOCUS 1.1, ServiceSubcategory.
pub(in crate::sources) const SERVICE_SUBCATEGORY: &[&str] = &[
    "AI Platforms",
    "Bots",
    "Generative AI",
    "Machine Learning",
    "Natural Language Processing",
    "Other (AI and Machine Learning)",
    "Analytics Platforms",
    "Business Intelligence",
    "Data Processing",
    "Search",
    "Streaming Analytics",
    "Other (Analytics)",
    "Productivity and Collaboration",
    "Other (Business Applications)",
    "Containers",
    "End User Computing",
    "Quantum Compute",
    "Serverless Compute",
    "Virtual Machines",
    "Other (Compute)",
    "Caching",
    "Data Warehouses",
    "Ledger Databases",
    "NoSQL Databases",
    "Relational Databases",
    "Time Series Databases",
    "Other (Databases)",
    "Developer Platforms",
    "Continuous Integration and Deployment",
    "Development Environments",
    "Source Code Management",
    "Quality Assurance",
    "Other (Developer Tools)",
    "Identity and Access Management",
    "Other (Identity)",
    "API Management",
    "Messaging",
    "Workflow Orchestration",
    "Other (Integration)",
    "IoT Analytics",
    "IoT Platforms",
    "Other (Internet of Things)",
    "Architecture",
    "Compliance",
    "Cost Management",
    "Data Governance",
    "Disaster Recovery",
    "Endpoint Management",
    "Observability",
    "Support",
    "Other (Management and Governance)",
    "Content Creation",
    "Gaming",
    "Media Streaming",
    "Mixed Reality",
    "Other (Media)",
    "Data Migration",
    "Resource Migration",
    "Other (Migration)",
    "Other (Mobile)",
    "Multicloud Integration",
    "Other (Multicloud)",
    "Application Networking",
    "Content Delivery",
    "Network Connectivity",
    "Network Infrastructure",
    "Network Routing",
    "Network Security",
    "Other (Networking)",
    "Secret Management",
    "Security Posture Management",
    "Threat Detection and Response",
    "Other (Security)",
    "Backup Storage",
    "Block Storage",
    "File Storage",
    "Object Storage",
    "Storage Platforms",
    "Other (Storage)",
    "Application Platforms",
    "Other (Web)",
    "Other (Other)",
];
