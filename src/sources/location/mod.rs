//! From the settings of a source to the place it reads: what is written, whether it is allowed, and a source over it.
//! Pure until [`connect()`], and even that opens nothing: files and hosts are first touched by the source's own calls.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use super::hosts::{self, Reach};
use super::local::LocalFolder;
use super::place::Place;
use super::s3::{Bucket, Credentials, S3Folder};
use super::{BillingSource, Error, connect};
use crate::model::Month;

/// Longest location or endpoint.
const MAX_LENGTH: usize = 2_048;
/// Region where none is set: S3's own default, and what most compatible services expect.
const DEFAULT_REGION: &str = "us-east-1";

/// What the settings say about one source's place.
#[derive(Clone, Default)]
pub struct PlaceSettings {
    /// Id of the source.
    pub source_id: String,
    /// `s3://bucket/prefix` or `file:///folder`.
    pub location: String,
    /// Region of the bucket.
    pub region: Option<String>,
    /// Address of an S3-compatible service; AWS itself without it.
    pub endpoint: Option<String>,
    /// The bucket in the path instead of the host name; the default with an endpoint.
    pub path_style: Option<bool>,
    /// Billing months before this one are left out.
    pub since: Option<Month>,
    /// Secret `billing.<id>.accessKeyId`.
    pub access_key_id: Option<SecretString>,
    /// Secret `billing.<id>.secretAccessKey`.
    pub secret_access_key: Option<SecretString>,
    /// Secret `billing.<id>.sessionToken`, of temporary keys.
    pub session_token: Option<SecretString>,
}

impl std::fmt::Debug for PlaceSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A location may hold what does not belong there: keys before an `@`, a signed query.
        f.debug_struct("PlaceSettings").field("source_id", &self.source_id).finish_non_exhaustive()
    }
}

/// What the operator of this Grafana allows.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Folders below which `file://` locations may lie; none: no `file://` at all.
    pub local_roots: Vec<PathBuf>,
    /// Hosts beyond the providers' own: `host`, `host:port`, `*.suffix`, `http://host:port`.
    pub hosts: Vec<String>,
    /// Providers whose machine identity may be used: `aws`.
    pub ambient_identity: Vec<String>,
    /// Folders that are never read: the store, Grafana's data.
    pub forbidden: Vec<PathBuf>,
    /// Where large downloads are kept while they are read.
    pub spool_dir: PathBuf,
}

/// A place that is written correctly and allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    shown: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Local { root: PathBuf, below: PathBuf },
    S3 { bucket: String, prefix: String, region: String, endpoint: Url, reach: Reach, path_style: bool },
}

impl Location {
    /// The location as it is written in the settings.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// What makes this place another place, as text for the identity of stored data; holds no secret.
    #[must_use]
    pub fn definition(&self) -> String {
        match &self.kind {
            Kind::Local { root, below } => {
                let path: PathBuf = root.components().chain(below.components()).collect();
                format!("provider=file\npath={}\n", path.display())
            }
            Kind::S3 { bucket, prefix, region, endpoint, .. } => {
                format!("provider=s3\nbucket={bucket}\nprefix={prefix}\nregion={region}\nendpoint={endpoint}\n")
            }
        }
    }
}

/// Reads the settings and compares them with what is allowed. Touches neither disk nor network.
///
/// # Errors
/// [`Error::Settings`] for what makes no sense, [`Error::NotAllowed`] for what the operator would have to allow.
pub fn check(settings: &PlaceSettings, allowed: &Allowed) -> Result<Location, Error> {
    let written = settings.location.trim();
    if written.is_empty() {
        return Err(wrong(settings, "`location` is empty: write `s3://bucket/prefix` or `file:///folder`"));
    }
    if written.len() > MAX_LENGTH || written.chars().any(char::is_control) {
        return Err(wrong(settings, "`location` is longer than 2,048 bytes or holds control characters"));
    }
    let kind = match written.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("s3") => bucket(settings, allowed, rest)?,
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => folder(settings, allowed, rest)?,
        Some(_) => return Err(wrong(settings, "`location` has to begin with `s3://` or `file:///`")),
        None if written.starts_with('/') => {
            return Err(wrong(settings, "`location` is a bare path: write `file://` in front of it"));
        }
        None => return Err(wrong(settings, "`location` has to begin with `s3://` or `file:///`")),
    };
    Ok(Location { shown: written.to_owned(), kind })
}

/// A source over the place. Opens no file and no connection.
///
/// # Errors
/// As [`check`]; and [`Error::Settings`] where a bucket has no access keys.
pub fn connect(settings: &PlaceSettings, allowed: &Allowed) -> Result<Arc<dyn BillingSource>, Error> {
    let Location { shown, kind } = check(settings, allowed)?;
    match kind {
        Kind::Local { root, below } => {
            let folder = LocalFolder::new(root, below, &shown, &allowed.forbidden);
            Ok(Arc::new(Place::new(folder, settings.since)))
        }
        Kind::S3 { bucket, prefix, region, endpoint, reach, path_style } => {
            let credentials = credentials(settings, allowed)?;
            let client = connect::client(&endpoint, reach)?;
            let bucket = Bucket { name: bucket, region, endpoint, path_style, credentials, client };
            let folder = S3Folder::new(bucket, prefix, &shown, &allowed.spool_dir);
            Ok(Arc::new(Place::new(folder, settings.since)))
        }
    }
}

/// `file:///folder`: an absolute folder below one of the operator's roots, and outside of the forbidden ones.
fn folder(settings: &PlaceSettings, allowed: &Allowed, rest: &str) -> Result<Kind, Error> {
    if !rest.starts_with('/') {
        return Err(wrong(settings, "`location` names a host: write `file:///folder`, with three slashes"));
    }
    let shown = settings.location.trim();
    let Some(path) = local_path(rest) else {
        let why = "`location` has to be a plain absolute folder: no `..`, `?`, `#` or backslash, nor escapes of them";
        return Err(wrong(settings, why));
    };
    let refused = |why: &str| Error::NotAllowed { place: shown.to_owned(), why: why.to_owned() };
    if allowed.local_roots.is_empty() {
        return Err(refused("`file://` is off; the operator can allow a folder with `outlay_local_roots`"));
    }
    // The longest of several roots is the one that was meant.
    let below = |root: &&PathBuf| root.is_absolute() && path.starts_with(root);
    let Some(root) = allowed.local_roots.iter().filter(below).max_by_key(|root| root.components().count()) else {
        return Err(refused("it lies outside of the folders of `outlay_local_roots`"));
    };
    if allowed.forbidden.iter().any(|forbidden| path.starts_with(forbidden)) {
        return Err(refused("it belongs to Grafana or to Outlay's own store; keep exports in a folder of their own"));
    }
    let below = path.strip_prefix(root).unwrap_or(Path::new("")).to_owned();
    Ok(Kind::Local { root: root.clone(), below })
}

/// The path of a `file://` location, `None` where it is not plain.
fn local_path(rest: &str) -> Option<PathBuf> {
    let lower = rest.to_ascii_lowercase();
    let odd = ["%2f", "%5c", "%00", "%2e", "?", "#", "\\", "%3f"].iter().any(|odd| lower.contains(odd));
    if odd || rest.split('/').any(|part| part == "..") {
        return None;
    }
    let path = Url::parse(&format!("file://{rest}")).ok()?.to_file_path().ok()?;
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    (path.is_absolute() && plain && path.to_str().is_some_and(|path| !path.chars().any(char::is_control)))
        .then_some(path)
}

/// `s3://bucket/prefix` at AWS or at the endpoint.
fn bucket(settings: &PlaceSettings, allowed: &Allowed, rest: &str) -> Result<Kind, Error> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if !is_bucket(bucket) {
        // What stands there is not repeated: it may be a key before an `@`.
        return Err(wrong(
            settings,
            "`location` names no bucket: 3 to 63 letters, digits, `-`, `.` or `_` after `s3://`",
        ));
    }
    if prefix.contains(['?', '#', '\\']) || prefix.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(wrong(settings, "`location` has a prefix with `..`, `?`, `#` or a backslash"));
    }
    let prefix = prefix.trim_end_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let region = settings.region.as_deref().map(str::trim).filter(|region| !region.is_empty());
    let region = region.unwrap_or(DEFAULT_REGION);
    if !hosts::is_region(region) {
        return Err(wrong(settings, "`region` is no region, such as `ap-southeast-1`"));
    }
    let written = settings.endpoint.as_deref().map(str::trim).filter(|endpoint| !endpoint.is_empty());
    let endpoint = match written {
        Some(written) => endpoint(settings, written)?,
        None => aws(region).ok_or_else(|| wrong(settings, "`region` is no region, such as `ap-southeast-1`"))?,
    };
    let reach = reach(&endpoint, allowed)?;
    let path_style = path_style(settings, bucket, written.is_some(), &endpoint)?;
    Ok(Kind::S3 { bucket: bucket.to_owned(), prefix, region: region.to_owned(), endpoint, reach, path_style })
}

/// Bucket naming rules ("Amazon S3 User Guide"), and the capitals and underscores of old buckets.
fn is_bucket(name: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        && edge(bytes.first())
        && edge(bytes.last())
        && !name.contains("..")
        && name.parse::<std::net::IpAddr>().is_err()
}

fn endpoint(settings: &PlaceSettings, written: &str) -> Result<Url, Error> {
    let why = "`endpoint` has to be `https://host` or `https://host:port`, without path, user or query";
    let url = Url::parse(written).ok().filter(|_| written.len() <= MAX_LENGTH).ok_or_else(|| wrong(settings, why))?;
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let host = url.host_str().is_some_and(|host| !host.is_empty() && !host.ends_with('.'));
    if !(bare && host && url.path() == "/" && matches!(url.scheme(), "http" | "https")) || written.contains('@') {
        return Err(wrong(settings, why));
    }
    Ok(url)
}

/// AWS's own endpoint of a region; China has its own domain.
fn aws(region: &str) -> Option<Url> {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    Url::parse(&format!("https://s3.{region}.{domain}/")).ok()
}

fn reach(endpoint: &Url, allowed: &Allowed) -> Result<Reach, Error> {
    let refused = |why: String| Error::NotAllowed { place: connect::host(endpoint), why };
    let address = match endpoint.host() {
        Some(url::Host::Ipv4(address)) => Some(address.into()),
        Some(url::Host::Ipv6(address)) => Some(address.into()),
        Some(url::Host::Domain(_)) | None => None,
    };
    // Metadata services are out of reach whatever the operator's list says.
    if let Some(why) = address.and_then(|address| hosts::refusal(address, Reach::Named)) {
        return Err(refused(format!("it is {why}")));
    }
    hosts::reach(endpoint, &allowed.hosts).ok_or_else(|| {
        let entry = hosts::entry_for(endpoint);
        refused(format!("the operator can add `{entry}` to `outlay_allowed_hosts`"))
    })
}

/// The bucket in the host name is AWS's way; not where the name or the host makes no valid host name of it.
fn path_style(settings: &PlaceSettings, bucket: &str, has_endpoint: bool, endpoint: &Url) -> Result<bool, Error> {
    let in_host = bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let named = matches!(endpoint.host(), Some(url::Host::Domain(_)));
    match settings.path_style {
        Some(false) if !in_host || !named => {
            Err(wrong(settings, "`pathStyle` has to be on: bucket and endpoint make no host name together"))
        }
        Some(path_style) => Ok(path_style),
        None => Ok(has_endpoint || !in_host),
    }
}

/// Keys from the secrets only; the machine's identity only where the operator allows it, and only towards AWS itself.
fn credentials(settings: &PlaceSettings, allowed: &Allowed) -> Result<Credentials, Error> {
    let id = &settings.source_id;
    let filled = |secret: &Option<SecretString>| secret.clone().filter(|secret| !is_blank(secret));
    match (filled(&settings.access_key_id), filled(&settings.secret_access_key)) {
        (Some(key_id), Some(secret)) => {
            let token = filled(&settings.session_token);
            Credentials::keys(&key_id, &secret, token.as_ref()).map_err(|bad| {
                wrong(
                    settings,
                    &format!("the secret `billing.{id}.{}` holds spaces or characters that no key has", bad.0),
                )
            })
        }
        (Some(_), None) => Err(wrong(settings, &format!("the secret `billing.{id}.secretAccessKey` is missing"))),
        (None, Some(_)) => Err(wrong(settings, &format!("the secret `billing.{id}.accessKeyId` is missing"))),
        (None, None) => {
            let keys = format!("set the secrets `billing.{id}.accessKeyId` and `billing.{id}.secretAccessKey`");
            let ambient = allowed.ambient_identity.iter().any(|provider| provider.eq_ignore_ascii_case("aws"));
            let to_aws = settings.endpoint.as_deref().is_none_or(|endpoint| endpoint.trim().is_empty());
            match (ambient, to_aws) {
                (true, true) => Credentials::machine()
                    .ok_or_else(|| wrong(settings, &format!("the machine's identity cannot be asked for: {keys}"))),
                (true, false) => Err(wrong(
                    settings,
                    &format!("the machine's identity is for AWS itself, not for an `endpoint`: {keys}"),
                )),
                (false, _) => Err(wrong(settings, &format!("it has no access keys: {keys}"))),
            }
        }
    }
}

fn is_blank(secret: &SecretString) -> bool {
    use secrecy::ExposeSecret;
    secret.expose_secret().trim().is_empty()
}

fn wrong(settings: &PlaceSettings, why: &str) -> Error {
    Error::Settings { source_id: settings.source_id.clone(), why: why.to_owned() }
}

#[cfg(test)]
mod tests;
