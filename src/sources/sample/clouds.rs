//! The three clouds as they write themselves in FOCUS exports: billing accounts, regions, machine sizes.
//! Names and region ids are the providers' public ones; prices are near the public ones and account numbers are made up.

/// A cloud provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cloud {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Google,
    /// Microsoft Azure.
    Azure,
}

impl Cloud {
    /// The provider's name in FOCUS.
    #[must_use]
    pub const fn provider(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Google => "Google Cloud",
            Self::Azure => "Microsoft",
        }
    }
}

/// A billing account: it gets one invoice a month, in one currency.
#[derive(Debug, PartialEq, Eq)]
pub struct Book {
    /// Whose it is.
    pub cloud: Cloud,
    /// BillingAccountId.
    pub id: &'static str,
    /// BillingAccountName.
    pub name: &'static str,
    /// BillingAccountType (FOCUS 1.2).
    pub kind: &'static str,
    /// SubAccountType (FOCUS 1.2).
    pub sub_kind: &'static str,
    /// BillingCurrency.
    pub currency: &'static str,
    /// InvoiceIssuerName.
    pub issuer: &'static str,
    /// PublisherName.
    pub publisher: &'static str,
    /// Prefix of its invoice numbers.
    pub invoice: &'static str,
    /// Its prices in thousandths of the price list in US dollars.
    pub price_permille: i64,
    /// What is paid of the public price after negotiation, in thousandths.
    pub negotiated_permille: i64,
}

/// AWS, in US dollars.
pub static AWS: Book = Book {
    cloud: Cloud::Aws,
    id: "004417723905",
    name: "Corebank Platform",
    kind: "Management Account",
    sub_kind: "Account",
    currency: "USD",
    issuer: "Amazon Web Services Singapore Private Limited",
    publisher: "Amazon Web Services, Inc.",
    invoice: "SGIN",
    price_permille: 1000,
    negotiated_permille: 950,
};

/// Google Cloud, in US dollars.
pub static GOOGLE: Book = Book {
    cloud: Cloud::Google,
    id: "01A7C4-5D20E8-9B36F1",
    name: "Corebank Platform",
    kind: "Billing Account",
    sub_kind: "Project",
    currency: "USD",
    issuer: "Google Asia Pacific Pte. Ltd.",
    publisher: "Google Cloud",
    invoice: "5",
    price_permille: 1000,
    negotiated_permille: 930,
};

/// Azure in Asia, in US dollars.
pub static AZURE_ASIA: Book = Book {
    cloud: Cloud::Azure,
    id: "/providers/microsoft.billing/billingaccounts/7c1e55f0/billingprofiles/asia-pacific",
    name: "Corebank Platform Asia-Pacific",
    kind: "Billing Profile",
    sub_kind: "Subscription",
    currency: "USD",
    issuer: "Microsoft Regional Sales Pte Ltd",
    publisher: "Microsoft",
    invoice: "G0",
    price_permille: 1000,
    negotiated_permille: 960,
};

/// Azure in Europe, in euros: the only part of the sample that is not in US dollars.
pub static AZURE_EUROPE: Book = Book {
    cloud: Cloud::Azure,
    id: "/providers/microsoft.billing/billingaccounts/7c1e55f0/billingprofiles/europe",
    name: "Corebank Platform Europe",
    kind: "Billing Profile",
    sub_kind: "Subscription",
    currency: "EUR",
    issuer: "Microsoft Ireland Operations Limited",
    publisher: "Microsoft",
    invoice: "E0",
    price_permille: 920,
    negotiated_permille: 970,
};

/// The billing accounts.
pub static BOOKS: [&Book; 4] = [&AWS, &GOOGLE, &AZURE_ASIA, &AZURE_EUROPE];

/// A region of a cloud.
#[derive(Debug, PartialEq, Eq)]
pub struct Region {
    /// RegionId.
    pub id: &'static str,
    /// RegionName.
    pub name: &'static str,
    /// What a zone id adds to the region id.
    pub zone: &'static str,
    /// Its prices in thousandths of the price list.
    pub price_permille: i64,
}

macro_rules! regions {
    ($($(#[$doc:meta])* $name:ident: $id:literal, $title:literal, $zone:literal, $price:literal;)+) => {
        $($(#[$doc])* pub static $name: Region = Region { id: $id, name: $title, zone: $zone, price_permille: $price };)+
    };
}

regions!(
    /// AWS Singapore.
    AWS_SINGAPORE: "ap-southeast-1", "Asia Pacific (Singapore)", "a", 1250;
    /// AWS Tokyo.
    AWS_TOKYO: "ap-northeast-1", "Asia Pacific (Tokyo)", "c", 1292;
    /// AWS Seoul.
    AWS_SEOUL: "ap-northeast-2", "Asia Pacific (Seoul)", "a", 1229;
    /// AWS Ireland.
    AWS_IRELAND: "eu-west-1", "EU (Ireland)", "b", 1115;
    /// AWS Frankfurt.
    AWS_FRANKFURT: "eu-central-1", "EU (Frankfurt)", "a", 1198;
    /// Google Singapore.
    GOOGLE_SINGAPORE: "asia-southeast1", "Singapore", "-b", 1234;
    /// Google Seoul.
    GOOGLE_SEOUL: "asia-northeast3", "Seoul", "-a", 1284;
    /// Azure Singapore.
    AZURE_SINGAPORE: "southeastasia", "Southeast Asia", "-1", 1250;
    /// Azure Tokyo.
    AZURE_TOKYO: "japaneast", "Japan East", "-1", 1288;
    /// Azure Netherlands.
    AZURE_WEST_EUROPE: "westeurope", "West Europe", "-1", 1200;
    /// Azure Frankfurt.
    AZURE_GERMANY: "germanywestcentral", "Germany West Central", "-1", 1198;
);

/// A size of a virtual machine or database.
#[derive(Debug, PartialEq, Eq)]
pub struct Size {
    /// Instance type as the provider writes it.
    pub name: &'static str,
    /// Its series, as price lists and commitments name it.
    pub series: &'static str,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory in GiB.
    pub memory_gib: u32,
    /// Price of an hour in the price list, 10^-6 US dollars. On Google Cloud: of a vCPU-hour.
    pub hour: i64,
    /// On Google Cloud: price of a GiB-hour of memory. Else 0.
    pub memory_hour: i64,
}

/// What a machine is for; each cloud has its size for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Development.
    Small,
    /// Application nodes.
    Medium,
    /// Ledger nodes.
    Large,
    /// A size too large, on purpose.
    Huge,
    /// The legacy platform.
    Legacy,
    /// Test databases.
    SmallDatabase,
    /// Databases.
    Database,
    /// Databases of the legacy platform.
    LegacyDatabase,
}

const fn size(name: &'static str, series: &'static str, vcpus: u32, memory_gib: u32, hour: i64, memory: i64) -> Size {
    Size { name, series, vcpus, memory_gib, hour, memory_hour: memory }
}

static SIZES: [[Size; 8]; 3] = [
    [
        size("t3.medium", "t3", 2, 4, 41_600, 0),
        size("m6i.xlarge", "m6i", 4, 16, 192_000, 0),
        size("m6i.2xlarge", "m6i", 8, 32, 384_000, 0),
        size("m6i.4xlarge", "m6i", 16, 64, 768_000, 0),
        size("m4.4xlarge", "m4", 16, 64, 800_000, 0),
        size("db.t4g.medium", "db.t4g", 2, 4, 65_000, 0),
        size("db.r6g.xlarge", "db.r6g", 4, 32, 450_000, 0),
        size("db.m4.4xlarge", "db.m4", 16, 64, 1_401_000, 0),
    ],
    [
        size("e2-standard-2", "E2", 2, 8, 21_811, 2_923),
        size("n2-standard-4", "N2", 4, 16, 31_611, 4_237),
        size("n2-standard-8", "N2", 8, 32, 31_611, 4_237),
        size("n2-standard-16", "N2", 16, 64, 31_611, 4_237),
        size("n1-standard-16", "N1", 16, 60, 31_611, 4_237),
        size("db-custom-2-8", "Enterprise", 2, 8, 138_600, 0),
        size("db-custom-4-32", "Enterprise", 4, 32, 389_200, 0),
        size("db-custom-16-64", "Enterprise", 16, 64, 1_108_800, 0),
    ],
    [
        size("Standard_B2ms", "BS", 2, 8, 83_200, 0),
        size("Standard_D4s_v5", "Dsv5", 4, 16, 192_000, 0),
        size("Standard_D8s_v5", "Dsv5", 8, 32, 384_000, 0),
        size("Standard_D16s_v5", "Dsv5", 16, 64, 768_000, 0),
        size("Standard_D16s_v3", "Dsv3", 16, 64, 768_000, 0),
        size("GP_Gen5_2", "General Purpose Gen5", 2, 10, 252_200, 0),
        size("GP_Gen5_4", "General Purpose Gen5", 4, 20, 504_400, 0),
        size("GP_Gen5_16", "General Purpose Gen5", 16, 83, 2_017_600, 0),
    ],
];

/// The size that a cloud has for a purpose.
#[must_use]
pub fn size_of(cloud: Cloud, tier: Tier) -> &'static Size {
    &SIZES[cloud as usize][tier as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cloud_has_a_size_for_each_purpose() {
        assert_eq!(size_of(Cloud::Aws, Tier::Huge).name, "m6i.4xlarge");
        assert_eq!(size_of(Cloud::Google, Tier::Legacy).name, "n1-standard-16");
        assert_eq!(size_of(Cloud::Azure, Tier::LegacyDatabase).name, "GP_Gen5_16");
        assert!(SIZES.iter().flatten().all(|size| size.vcpus > 0 && size.hour > 0));
    }
}
