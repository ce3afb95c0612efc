//! The made-up company: twelve client banks of a core banking vendor, who runs what for them, and where.
//! All names are invented. When things start and stop is counted in months before the newest one.

use super::clouds::{self, Book, Region};

/// A client bank.
#[derive(Debug)]
pub struct Client {
    /// The value of its `client` tag.
    pub id: &'static str,
    /// Its name, as accounts carry it.
    pub name: &'static str,
    /// Where it is.
    pub country: &'static str,
    /// Who bills its new platform.
    pub book: &'static Book,
    /// Where its new platform runs.
    pub region: &'static Region,
    /// Nodes of each role of its new platform: how large it is.
    pub nodes: usize,
    /// Months back of its first day as a client; `None` if it was one before the sample starts.
    pub live: Option<i32>,
    /// Its legacy platform, where it had one.
    pub legacy: Option<Legacy>,
}

/// A legacy platform that is being replaced.
#[derive(Debug)]
pub struct Legacy {
    /// Who bills it.
    pub book: &'static Book,
    /// Where it runs.
    pub region: &'static Region,
    /// Months back when the new platform starts beside it.
    pub start: i32,
    /// Months back when each of its four machines stops; negative: it still runs.
    pub stops: [i32; 4],
}

impl Client {
    /// Office hours in UTC, as first hour and the hour after the last.
    #[must_use]
    pub fn office_hours(&self) -> (u32, u32) {
        match self.country {
            "Germany" | "Norway" | "Italy" => (6, 18),
            // Nine to nine in Tokyo and Seoul, eight to eight in Singapore, seven to seven in Hanoi.
            _ => (0, 12),
        }
    }

    /// Months back when a node of its new platform starts; `None` for before the sample.
    /// While a client migrates, a node starts one month before the legacy machine that it replaces stops.
    ///
    /// The outer `None` means that the node is not there yet.
    #[must_use]
    pub fn node_start(&self, node: usize) -> Option<Option<i32>> {
        match &self.legacy {
            None => Some(self.live),
            Some(legacy) if node == 0 => Some(Some(legacy.start)),
            Some(legacy) => {
                let stop = legacy.stops[(node - 1).min(3)];
                (stop >= 0).then_some(Some((stop + 1).min(legacy.start)))
            }
        }
    }
}

const fn client(
    names: (&'static str, &'static str, &'static str),
    book: &'static Book,
    region: &'static Region,
    nodes: usize,
    live: Option<i32>,
    legacy: Option<Legacy>,
) -> Client {
    Client { id: names.0, name: names.1, country: names.2, book, region, nodes, live, legacy }
}

/// The clients.
pub static CLIENTS: [Client; 12] = [
    client(("lantern-quay", "Lantern Quay Bank", "Singapore"), &clouds::AWS, &clouds::AWS_SINGAPORE, 3, None, None),
    client(
        ("raintree", "Raintree Digital Bank", "Singapore"),
        &clouds::GOOGLE,
        &clouds::GOOGLE_SINGAPORE,
        2,
        None,
        None,
    ),
    client(
        ("kapok-trust", "Kapok Trust Bank", "Singapore"),
        &clouds::AWS,
        &clouds::AWS_SINGAPORE,
        3,
        None,
        Some(Legacy { book: &clouds::AZURE_ASIA, region: &clouds::AZURE_SINGAPORE, start: 16, stops: [14, 12, 10, 8] }),
    ),
    client(
        ("asagiri", "Asagiri Bank", "Japan"),
        &clouds::AWS,
        &clouds::AWS_TOKYO,
        3,
        None,
        Some(Legacy { book: &clouds::AWS, region: &clouds::AWS_TOKYO, start: 13, stops: [10, 7, 5, 3] }),
    ),
    client(("hoshikawa", "Hoshikawa Net Bank", "Japan"), &clouds::AZURE_ASIA, &clouds::AZURE_TOKYO, 2, None, None),
    client(
        ("byeolbit", "Byeolbit Bank", "Korea"),
        &clouds::AWS,
        &clouds::AWS_SEOUL,
        3,
        None,
        Some(Legacy { book: &clouds::AWS, region: &clouds::AWS_SEOUL, start: 11, stops: [8, 6, 4, -1] }),
    ),
    client(("sonamu", "Sonamu Savings Bank", "Korea"), &clouds::GOOGLE, &clouds::GOOGLE_SEOUL, 2, None, None),
    client(
        ("lua-vang", "Lua Vang Bank", "Vietnam"),
        &clouds::AWS,
        &clouds::AWS_SINGAPORE,
        2,
        None,
        Some(Legacy { book: &clouds::AWS, region: &clouds::AWS_SINGAPORE, start: 9, stops: [6, 4, 2, 1] }),
    ),
    client(("song-xanh", "Song Xanh Bank", "Vietnam"), &clouds::GOOGLE, &clouds::GOOGLE_SINGAPORE, 1, Some(9), None),
    client(
        ("nordhaven", "Nordhaven Bank", "Norway"),
        &clouds::AZURE_EUROPE,
        &clouds::AZURE_WEST_EUROPE,
        3,
        None,
        Some(Legacy {
            book: &clouds::AZURE_EUROPE,
            region: &clouds::AZURE_WEST_EUROPE,
            start: 6,
            stops: [3, 1, -1, -1],
        }),
    ),
    client(("aldermark", "Aldermark Bank", "Germany"), &clouds::AWS, &clouds::AWS_IRELAND, 2, None, None),
    client(("vallombra", "Vallombra Banca", "Italy"), &clouds::AZURE_EUROPE, &clouds::AZURE_GERMANY, 1, Some(5), None),
];

/// A part of the product, with the team that runs it and who answers for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Product {
    /// The value of the `product` tag.
    pub id: &'static str,
    /// The value of the `team` tag.
    pub team: &'static str,
    /// The value of the `owner` tag.
    pub owner: &'static str,
}

const fn product(id: &'static str, team: &'static str, owner: &'static str) -> Product {
    Product { id, team, owner }
}

/// Accounts and balances.
pub static LEDGER: Product = product("core-ledger", "ledger", "aiko.tanaka");
/// Money in and out.
pub static PAYMENTS: Product = product("payments", "payments", "minh.tran");
/// What apps and branches talk to.
pub static CHANNELS: Product = product("channels", "channels", "jonas.weber");
/// Books and regulators' reports.
pub static REPORTING: Product = product("reporting", "reporting", "priya.menon");
/// The legacy platform.
pub static CLASSIC: Product = product("core-classic", "classic", "sungmin.park");
/// What all clients share.
pub static PLATFORM: Product = product("platform", "platform", "weiling.tan");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_start_while_the_legacy_machine_still_runs() {
        let of = |id: &str| CLIENTS.iter().find(|client| client.id == id).unwrap();
        assert_eq!(of("raintree").node_start(1), Some(None));
        assert_eq!(of("song-xanh").node_start(0), Some(Some(9)));
        assert_eq!(of("asagiri").node_start(0), Some(Some(13)));
        assert_eq!(of("asagiri").node_start(2), Some(Some(8)));
        assert_eq!(of("nordhaven").node_start(2), Some(Some(2)));
        assert_eq!(of("nordhaven").node_start(3), None);
    }
}
