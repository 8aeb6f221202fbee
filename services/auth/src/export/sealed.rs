//! What services told, sealed in pieces: each opens at its own place in its own export alone.

use ids::ExportId;
use sealing::{Keyring, SealError};

use super::rules::{PIECE, Part};

/// A part with what it holds, sealed.
pub(super) struct Sealed {
    pub(super) part: Part,
    pub(super) sealed: Vec<u8>,
}

/// Seals what `service` told.
pub(super) fn seal(
    keyring: &Keyring,
    export: ExportId,
    service: &str,
    told: &[u8],
) -> Result<Vec<Sealed>, SealError> {
    let piece = |(n, piece): (i32, &[u8])| {
        let bytes = i32::try_from(piece.len()).map_err(|_too_long| SealError::Failed)?;
        let part = Part { service: service.to_owned(), n, bytes };
        let sealed = keyring.seal(row(export, &part).as_bytes(), piece)?;
        Ok(Sealed { part, sealed })
    };
    (0..).zip(told.chunks(PIECE)).map(piece).collect()
}

/// Opens a part.
pub(super) fn open(
    keyring: &Keyring,
    export: ExportId,
    part: &Part,
    sealed: &[u8],
) -> Result<Vec<u8>, SealError> {
    keyring.open(row(export, part).as_bytes(), sealed)
}

fn row(export: ExportId, Part { service, n, .. }: &Part) -> String {
    format!("export_parts/{export}/{service}/{n}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_opens_at_its_place_alone() {
        let keyring = Keyring::parse("k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let (export, told) = (ExportId::generate(), vec![b'x'; PIECE + 1]);
        let pieces = seal(&keyring, export, "prefs", &told).unwrap();
        let opened: Vec<u8> =
            pieces.iter().flat_map(|one| open(&keyring, export, &one.part, &one.sealed).unwrap()).collect();
        assert_eq!((pieces.len(), opened), (2, told));
        let first = &pieces[0];
        for moved in
            [Part { n: 1, ..first.part.clone() }, Part { service: "auth".to_owned(), ..first.part.clone() }]
        {
            assert!(open(&keyring, export, &moved, &first.sealed).is_err());
        }
        assert!(open(&keyring, ExportId::generate(), &first.part, &first.sealed).is_err());
    }
}
