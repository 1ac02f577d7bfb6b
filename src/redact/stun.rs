//! STUN and TURN messages of every dialect, attribute by attribute.

use callscope_parsers::stun::integrity::{Fingerprint, check_fingerprint, fingerprint_of};
use callscope_parsers::stun::{AddressForm, AttributeType as T, HEADER, Method, scan_stun};

use super::Redactor;
use super::datagram::Between;
use super::names::Words;

/// How an attribute is rewritten.
enum Way {
    Keep,
    Address(AddressForm),
    User,
    Name,
    Reason,
    Product,
    Digest,
    Secret,
    Data,
    Icmp,
    AddressError,
    Unknown,
}

fn way(kind: T, old: bool, check: bool) -> Way {
    if let Some(form) = kind.address_form(old) {
        return Way::Address(form);
    }
    match kind {
        // Names of checks are random, those of users are not.
        T::USERNAME if check => Way::Keep,
        T::USERNAME => Way::User,
        T::REALM
        | T::NONCE
        | T::ALTERNATE_DOMAIN
        | T::MS_ALTERNATE_HOST_NAME
        | T::THIRD_PARTY_AUTHORIZATION => Way::Name,
        T::SIP_CALL_ID | T::SIP_DIALOG_ID => Way::Name,
        T::CANDIDATE_IDENTIFIER => Way::Keep,
        T::SOFTWARE => Way::Product,
        T::ERROR_CODE => Way::Reason,
        T::ADDRESS_ERROR_CODE => Way::AddressError,
        T::MESSAGE_INTEGRITY | T::MESSAGE_INTEGRITY_SHA256 | T::GOOG_MESSAGE_INTEGRITY_32 | T::USERHASH => {
            Way::Digest
        }
        T::PASSWORD | T::ACCESS_TOKEN | T::MOBILITY_TICKET | T::CISCO_STUN_FLOWDATA | T::MS_SECURE_TAG => {
            Way::Secret
        }
        T::LOCATION_PROFILE | T::MS_APP_ID | T::PADDING => Way::Secret,
        T::DATA => Way::Data,
        T::ICMP => Way::Icmp,
        kind if kind.name().is_some() => Way::Keep,
        _ => Way::Unknown,
    }
}

impl Redactor {
    /// A message, perhaps cut off.
    pub(super) fn stun(&mut self, b: &mut [u8], between: Between, depth: u8) {
        self.tally.add("messages of STUN", 1);
        let original = b.to_vec();
        let Some(scan) = scan_stun(&original, None) else {
            return self.wipe(b, "bytes of unknown protocols");
        };
        let mask = scan.transaction();
        let method = scan.method();
        let long_term = scan.has(T::REALM);
        let check = method == Method(1) && !long_term;
        let old = scan.dialect().is_old_turn();
        let fingerprint = check_fingerprint(&scan);
        let mut covered = HEADER;
        for attribute in scan.attributes() {
            let from = attribute.at + 4;
            let to = from + attribute.value.len();
            // Padding in between says nothing.
            if let Some(gap) = b.get_mut(covered..attribute.at.max(covered)) {
                gap.fill(0);
            }
            covered = to;
            let Some(value) = b.get_mut(from..to) else { continue };
            match way(attribute.kind, old, check) {
                Way::Keep => {}
                Way::Address(AddressForm::Plain) => self.stun_address(value, &[0; 16]),
                Way::Address(AddressForm::Xored) => self.stun_address(value, &mask),
                Way::User => self.user_bytes(value),
                Way::Name if std::str::from_utf8(value).is_ok() => {
                    // A nonce of a single word is as random after as before.
                    self.words(value, Words { keep: super::keywords::LABELS, ..Words::NAMES });
                }
                // An opaque nonce.
                Way::Name => {}
                Way::Reason => self.free_text(value.get_mut(4..).unwrap_or_default()),
                Way::AddressError if value.len() > 4 => {
                    self.free_text(value.get_mut(4..).unwrap_or_default())
                }
                Way::AddressError => {}
                Way::Product => self.free_text(value),
                Way::Digest => {
                    self.tally.add("keyed hashes", 1);
                    value.fill(0);
                }
                Way::Secret => self.wipe(value, "bytes of secrets"),
                Way::Data => self.datagram(value, between, 0, depth + 1),
                Way::Icmp => {}
                Way::Unknown => self.wipe(value, "bytes of unknown attributes"),
            }
        }
        let (start, end) = (covered.min(b.len()), b.len());
        let behind = b.get_mut(start..end).unwrap_or_default();
        if behind.len() >= 4 {
            self.wipe(behind, "bytes behind messages");
        } else {
            behind.fill(0);
        }
        let legacy = match fingerprint {
            Fingerprint::Good => false,
            Fingerprint::LegacyMicrosoftCrc => true,
            Fingerprint::Absent | Fingerprint::Wrong { .. } => return,
        };
        if let Some(range) = scan.range(T::FINGERPRINT)
            && let Some(covered) = b.get(..range.start.saturating_sub(4))
        {
            let crc = fingerprint_of(covered, legacy).to_be_bytes();
            super::names::write(b, range.start..range.start + 4, &crc);
        }
    }

    /// Family, port and address; XORed with `mask`.
    fn stun_address(&mut self, value: &mut [u8], mask: &[u8; 16]) {
        let len = match value.get(1) {
            Some(1) => 4,
            Some(2) => 16,
            _ => return self.wipe(value, "bytes of unknown attributes"),
        };
        let Some(address) = value.get_mut(4..4 + len) else {
            return self.wipe(value.get_mut(2..).unwrap_or_default(), "bytes of unknown attributes");
        };
        let xor = |address: &mut [u8]| address.iter_mut().zip(mask).for_each(|(a, m)| *a ^= m);
        xor(address);
        self.binary_address(address);
        xor(address);
        if let Some(rest) = value.get_mut(4 + len..) {
            rest.fill(0);
        }
    }
}
