//! What a generation consists of, as it lies on disk: the manifest, and the pointer `CURRENT` that names one manifest.
//! Pure: bytes in, values out. Whatever does not check is `None`, with the reason for people.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::DeliveryRecord;
use super::layout::{FORMAT, is_hash};

/// One generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Format of this file and of the parts that it names.
    pub format: u32,
    /// Whose data it is.
    pub identity: String,
    /// Number of the generation.
    pub generation: u64,
    /// The run of the writer that made it.
    pub epoch: String,
    /// Hash of the manifest before this one; empty for the first.
    pub parent: String,
    /// What it holds, ordered by key.
    pub deliveries: Vec<DeliveryRecord>,
}

impl Manifest {
    /// As written to disk.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec(self).map_err(|error| error.to_string())
    }

    /// Reads a manifest that must have this hash, generation and identity.
    pub(crate) fn decode(bytes: &[u8], hash: &str, generation: u64, identity: &str) -> Result<Self, String> {
        if blake3::hash(bytes).to_hex().as_str() != hash {
            return Err("its content does not have its hash".into());
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|_json| "it is no manifest".to_owned())?;
        if manifest.format != FORMAT {
            return Err(format!("it has format {}", manifest.format));
        }
        if manifest.identity != identity {
            return Err("it belongs to another identity".into());
        }
        if manifest.generation != generation {
            return Err("it is of another generation than its name".into());
        }
        if manifest.deliveries.iter().flat_map(|delivery| delivery.parts.all()).any(|part| !is_hash(&part.hash)) {
            return Err("it names a part that can be none".into());
        }
        if !manifest.deliveries.is_sorted_by(|a, b| a.key < b.key) {
            return Err("its deliveries are not in order".into());
        }
        Ok(manifest)
    }

    /// The deliveries, shared.
    pub(crate) fn shared(self) -> Vec<Arc<DeliveryRecord>> {
        self.deliveries.into_iter().map(Arc::new).collect()
    }
}

/// What `CURRENT` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// The generation that is in force.
    pub generation: u64,
    /// Hash of its manifest.
    pub manifest: String,
}

impl Pointer {
    /// As written to disk: one line with a checksum at its end.
    pub(crate) fn encode(&self) -> String {
        let head = format!("outlay {FORMAT} {} {}", self.generation, self.manifest);
        format!("{head} {}\n", blake3::hash(head.as_bytes()).to_hex())
    }

    /// Reads the line; `None` for anything that is not exactly what `encode` writes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut words = text.strip_suffix('\n')?.split(' ').skip(2);
        let pointer = Self { generation: words.next()?.parse().ok()?, manifest: words.next()?.to_owned() };
        (is_hash(&pointer.manifest) && pointer.encode() == text).then_some(pointer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_reads_back_and_any_changed_byte_voids_it() {
        let pointer = Pointer { generation: 12, manifest: "ab".repeat(32) };
        let bytes = pointer.encode().into_bytes();
        assert_eq!(Pointer::decode(&bytes), Some(pointer));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(Pointer::decode(&damaged), None, "byte {at} bit {bit}");
            }
            assert_eq!(Pointer::decode(&bytes[..at]), None, "cut at {at}");
        }
    }
}
