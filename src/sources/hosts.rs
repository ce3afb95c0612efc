//! Which hosts and addresses Outlay may connect to: the providers' own, and those that the operator names.
//! Pure comparison of parsed names and addresses; it resolves and connects to nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// How a host came to be allowed, which decides the addresses that its name may resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The provider's own host. Private addresses are fine (a private link), the machine itself is not.
    Provider,
    /// Named exactly by the operator: private addresses and this machine are meant.
    Named,
    /// Under a suffix that the operator allows: public addresses only.
    Suffix,
}

/// How an endpoint may be reached, `None` where neither the providers nor the operator's list hold it.
pub(super) fn reach(endpoint: &Url, allowed: &[String]) -> Option<Reach> {
    if allowed.iter().any(|entry| names(entry, endpoint)) {
        return Some(Reach::Named);
    }
    if is_provider(endpoint) {
        return Some(Reach::Provider);
    }
    allowed.iter().any(|entry| is_under(entry, endpoint)).then_some(Reach::Suffix)
}

/// The entry that the operator would have to write to allow exactly this endpoint.
pub(super) fn entry_for(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    let port = endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
    if endpoint.scheme() == "https" { format!("{host}{port}") } else { format!("{}://{host}{port}", endpoint.scheme()) }
}

/// True for an exact entry with this scheme, host and port; without a scheme it means https, without a port the usual one.
fn names(entry: &str, endpoint: &Url) -> bool {
    parse_entry(entry).is_some_and(|url| {
        url.scheme() == endpoint.scheme()
            && url.host() == endpoint.host()
            && url.port_or_known_default() == endpoint.port_or_known_default()
    })
}

/// True for an entry `*.suffix` above this host; the suffix itself is not under it.
fn is_under(entry: &str, endpoint: &Url) -> bool {
    let (scheme, rest) = entry.trim().split_once("://").unwrap_or(("https", entry.trim()));
    let suffix = rest.strip_prefix("*.").and_then(|suffix| parse_entry(&format!("{scheme}://{suffix}")));
    let Some(suffix) = suffix else { return false };
    let (Some(Host::Domain(host)), Some(Host::Domain(above))) = (endpoint.host(), suffix.host()) else { return false };
    endpoint.scheme() == suffix.scheme()
        && endpoint.port_or_known_default() == suffix.port_or_known_default()
        && host.strip_suffix(above).is_some_and(|below| below.ends_with('.') && below.len() > 1)
}

fn parse_entry(entry: &str) -> Option<Url> {
    let entry = entry.trim();
    let text = if entry.contains("://") { entry.to_owned() } else { format!("https://{entry}") };
    let url = Url::parse(&text).ok()?;
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let host_ok = url.host_str().is_some_and(|host| !host.is_empty() && !host.ends_with('.') && !host.contains('*'));
    (bare && host_ok && url.path() == "/" && matches!(url.scheme(), "http" | "https")).then_some(url)
}

/// Amazon S3's own hosts ("Amazon S3 endpoints and quotas", AWS General Reference), not all of `amazonaws.com`:
/// below that name anyone may run a load balancer or an API of his own.
fn is_provider(endpoint: &Url) -> bool {
    let Some(Host::Domain(host)) = endpoint.host() else { return false };
    let Some(name) = host.strip_suffix(".amazonaws.com.cn").or_else(|| host.strip_suffix(".amazonaws.com")) else {
        return false;
    };
    let mut labels: Vec<&str> = name.split('.').collect();
    if let [first, link, ..] = labels[..]
        && matches!(first, "bucket" | "accesspoint")
        && link.starts_with("vpce-")
    {
        labels.drain(..2);
        if labels.pop() != Some("vpce") {
            return false;
        }
    }
    let service = matches!(labels.first(), Some(&("s3" | "s3-fips")));
    let rest = labels.get(1..).unwrap_or_default();
    let rest = rest.strip_prefix(&["dualstack"]).unwrap_or(rest);
    let region = matches!(rest, []) || matches!(rest, [region] if is_region(region));
    endpoint.scheme() == "https" && endpoint.port().is_none() && service && region
}

/// True for text that looks like a region: lower-case letters, digits and dashes, so that it is safe in a host name.
pub(super) fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 32
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
}

/// Why an address may not be connected to under this reach; `None` where it may.
pub(super) fn refusal(address: IpAddr, reach: Reach) -> Option<&'static str> {
    match (kind(address), reach) {
        (Kind::Public, _) | (Kind::Private, Reach::Provider | Reach::Named) | (Kind::Loopback, Reach::Named) => None,
        (Kind::Never, _) => Some("an address of the machine's metadata service or of no host"),
        (Kind::Private, Reach::Suffix) => Some("a private address"),
        (Kind::Loopback, _) => Some("an address of this machine"),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Public,
    Private,
    Loopback,
    Never,
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(v4) => kind_v4(v4),
        IpAddr::V6(v6) => embedded(v6).map_or_else(|| kind_v6(v6), kind_v4),
    }
}

/// The IPv4 address inside an IPv6 one: mapped, compatible, NAT64 (RFC 6052) and 6to4 (RFC 3056) forms.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => Some(v4(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        // Alibaba's and Oracle's metadata services lie outside the link-local range.
        (100, 100, 100, 200) | (192, 0, 0, 192) => Kind::Never,
        (0 | 224..=255, ..) | (169, 254, ..) => Kind::Never,
        (127, ..) => Kind::Loopback,
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) | (100, 64..=127, ..) | (198, 18 | 19, ..) => Kind::Private,
        (192, 0, 0 | 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => Kind::Private,
        _ => Kind::Public,
    }
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        // AWS: fd00:ec2::254 is the metadata service, fd00:ec2::23 hands out pod credentials.
        [0, 0, 0, 0, 0, 0, 0, 0] | [0xfd00, 0x0ec2, ..] => Kind::Never,
        [0xfe80..=0xfebf | 0xff00..=0xffff, ..] => Kind::Never,
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Kind::Private,
        // Teredo (RFC 4380) hides an IPv4 address that is not checked here.
        [0x2001, 0, ..] => Kind::Never,
        [0x2001, 0x0db8, ..] => Kind::Private,
        _ => Kind::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(endpoint: &str, allowed: &[&str], expected: Option<Reach>) {
        let allowed: Vec<String> = allowed.iter().map(|&entry| entry.to_owned()).collect();
        let url = Url::parse(endpoint).unwrap();
        assert_eq!(reach(&url, &allowed), expected, "{endpoint} with {allowed:?}");
    }

    #[test]
    fn the_provider_s_own_hosts_need_no_permission() {
        for host in [
            "s3.amazonaws.com",
            "s3.eu-central-1.amazonaws.com",
            "s3.cn-north-1.amazonaws.com.cn",
            "s3-fips.us-gov-west-1.amazonaws.com",
            "s3.dualstack.ap-southeast-1.amazonaws.com",
            "bucket.vpce-0a1b2c3d-abcdef.s3.eu-west-1.vpce.amazonaws.com",
        ] {
            check(&format!("https://{host}"), &[], Some(Reach::Provider));
            check(&format!("http://{host}"), &[], None);
            check(&format!("https://{host}:8443"), &[], None);
        }
        for host in [
            "amazonaws.com",
            "s3.amazonaws.com.evil.example",
            "evils3.amazonaws.com",
            "s3amazonaws.com",
            "s3.evil.elb.amazonaws.com",
            "s3-mine-1234.eu-west-1.elb.amazonaws.com",
            "abc.execute-api.eu-west-1.amazonaws.com",
            "ec2-1-2-3-4.compute-1.amazonaws.com",
            "s3.eu-west-1.vpce.amazonaws.com",
            "minio.example.com",
        ] {
            check(&format!("https://{host}"), &[], None);
        }
    }

    #[test]
    fn entries_compare_scheme_host_and_port() {
        check("https://minio.example.com", &["minio.example.com"], Some(Reach::Named));
        check("https://MINIO.example.com:443/", &["minio.example.com"], Some(Reach::Named));
        check("https://minio.example.com:9000", &["minio.example.com"], None);
        check("https://minio.example.com:9000", &["minio.example.com:9000"], Some(Reach::Named));
        check("http://minio.example.com", &["minio.example.com"], None);
        check("http://minio.example.com:9000", &["http://minio.example.com:9000"], Some(Reach::Named));
        check("http://minio.example.com:9001", &["http://minio.example.com:9000"], None);
        check("https://minio.example.com:9000", &["http://minio.example.com:9000"], None);
        check("https://evil.example/minio.example.com", &["minio.example.com"], None);
        check("https://minio.example.com.evil.example", &["minio.example.com"], None);
        check("http://127.0.0.1:9000", &["http://127.0.0.1:9000"], Some(Reach::Named));
        check("http://0x7f.1:9000", &["http://127.0.0.1:9000"], Some(Reach::Named));
        check("http://[::1]:9000", &["http://[::1]:9000"], Some(Reach::Named));
        check("https://a.example.com", &["*.example.com"], Some(Reach::Suffix));
        check("https://a.b.example.com", &["*.example.com"], Some(Reach::Suffix));
        check("https://example.com", &["*.example.com"], None);
        check("https://evilexample.com", &["*.example.com"], None);
        check("http://a.example.com", &["*.example.com"], None);
        check("http://a.example.com", &["http://*.example.com"], Some(Reach::Suffix));
        check("https://a.example.com", &["http://*.example.com"], None);
        check("https://a.example.com:9000", &["*.example.com:9000"], Some(Reach::Suffix));
        check("https://10.0.0.1", &["*.0.0.1", "*"], None);
    }

    #[test]
    fn entries_that_make_no_sense_allow_nothing() {
        for entry in
            ["", "*", "*.", "*.10.0.0.1", "ftp://x", "http://x/path", "u:p@x", "x?y", "a b", "x.", "*x", "*.x."]
        {
            for endpoint in ["https://x", "https://a.x", "http://x", "https://10.0.0.1", "https://a.10.example"] {
                check(endpoint, &[entry], None);
            }
        }
    }

    #[test]
    fn addresses_are_judged_in_every_spelling() {
        use Reach::{Named, Provider, Suffix};
        let table: [(&str, &[Reach]); 29] = [
            ("52.219.1.1", &[Provider, Named, Suffix]),
            ("2a05:d018::1", &[Provider, Named, Suffix]),
            ("10.1.2.3", &[Provider, Named]),
            ("172.16.0.1", &[Provider, Named]),
            ("172.31.255.255", &[Provider, Named]),
            ("192.168.0.1", &[Provider, Named]),
            ("100.64.0.1", &[Provider, Named]),
            ("fd12::1", &[Provider, Named]),
            ("::ffff:10.0.0.1", &[Provider, Named]),
            ("127.0.0.1", &[Named]),
            ("127.8.8.8", &[Named]),
            ("::1", &[Named]),
            ("::ffff:127.0.0.1", &[Named]),
            ("64:ff9b::7f00:1", &[Named]),
            ("2002:7f00:1::", &[Named]),
            ("169.254.169.254", &[]),
            ("169.254.170.2", &[]),
            ("169.254.0.1", &[]),
            ("::ffff:169.254.169.254", &[]),
            ("::169.254.169.254", &[]),
            ("64:ff9b::a9fe:a9fe", &[]),
            ("2002:a9fe:a9fe::", &[]),
            ("fd00:ec2::254", &[]),
            ("fe80::1", &[]),
            ("100.100.100.200", &[]),
            ("192.0.0.192", &[]),
            ("0.0.0.0", &[]),
            ("::", &[]),
            ("224.0.0.1", &[]),
        ];
        for (address, allowed) in table {
            for reach in [Provider, Named, Suffix] {
                let refused = refusal(address.parse().unwrap(), reach);
                assert_eq!(refused.is_none(), allowed.contains(&reach), "{address} {reach:?} {refused:?}");
            }
        }
    }

    #[test]
    fn the_way_out_names_the_entry_to_add() {
        for (endpoint, entry) in [
            ("https://minio.example.com/", "minio.example.com"),
            ("https://minio.example.com:9000", "minio.example.com:9000"),
            ("http://10.0.0.5:9000", "http://10.0.0.5:9000"),
        ] {
            let url = Url::parse(endpoint).unwrap();
            assert_eq!(entry_for(&url), entry);
            check(endpoint, &[&entry_for(&url)], Some(Reach::Named));
        }
    }
}
