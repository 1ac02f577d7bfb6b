//! What an address tells by itself, and which type a draft-06 candidate has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Address, Candidate, CandidateType, IceDescription, Priority, Shape, Transport};

/// Something worth saying of a candidate's address. [`AddressRemark::title`] has the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressRemark {
    /// RFC 1918.
    Private,
    /// 100.64.0.0/10, RFC 6598.
    CarrierGradeNat,
    /// 169.254.0.0/16, fe80::/10.
    LinkLocal,
    Loopback,
    /// fc00::/7, RFC 4193.
    UniqueLocal,
    /// 0.0.0.0, ::.
    Unspecified,
    Multicast,
    Broadcast,
    /// 2001::/32, RFC 4380.
    Teredo,
    /// 2002::/16, RFC 3056.
    SixToFour,
    /// ::ffff:0:0/96.
    Mapped,
    /// A name under `.local`.
    Mdns,
    /// Another host name.
    Name,
    /// Reflexive, with the address of a relay of the same description.
    SameAsRelay,
    /// Reflexive, equal to its own related address: no NAT in between.
    NotTranslated,
    /// A relay that names itself as related address, as Microsoft clients do: the NAT's address is not told.
    RelayNamesItself,
    /// The related address is hidden (0.0.0.0 or ::), as browsers do.
    RelatedHidden,
    /// Active TCP with port 9, which nobody listens on (RFC 6544 §4.5).
    DiscardPort,
}

impl AddressRemark {
    /// A few words for a table column.
    pub fn title(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::CarrierGradeNat => "carrier-grade NAT",
            Self::LinkLocal => "link-local",
            Self::Loopback => "loopback",
            Self::UniqueLocal => "unique local",
            Self::Unspecified => "unspecified",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Teredo => "Teredo tunnel",
            Self::SixToFour => "6to4 tunnel",
            Self::Mapped => "IPv4-mapped",
            Self::Mdns => "mDNS name",
            Self::Name => "host name",
            Self::SameAsRelay => "same address as the relay",
            Self::NotTranslated => "not translated",
            Self::RelayNamesItself => "related address is the relay itself",
            Self::RelatedHidden => "related address hidden",
            Self::DiscardPort => "discard port",
        }
    }
}

/// What an IP address tells by its range; `None` for a plain public one.
pub fn range_remark(ip: IpAddr) -> Option<AddressRemark> {
    match ip {
        IpAddr::V4(v4) => range_v4(v4),
        IpAddr::V6(v6) => range_v6(v6),
    }
}

fn range_v4(ip: Ipv4Addr) -> Option<AddressRemark> {
    let [a, b, ..] = ip.octets();
    Some(match (a, b) {
        _ if ip.is_private() => AddressRemark::Private,
        (100, 64..=127) => AddressRemark::CarrierGradeNat,
        _ if ip.is_link_local() => AddressRemark::LinkLocal,
        _ if ip.is_loopback() => AddressRemark::Loopback,
        _ if ip.is_unspecified() => AddressRemark::Unspecified,
        _ if ip.is_broadcast() => AddressRemark::Broadcast,
        _ if ip.is_multicast() => AddressRemark::Multicast,
        _ => return None,
    })
}

fn range_v6(ip: Ipv6Addr) -> Option<AddressRemark> {
    let [a, b, ..] = ip.segments();
    Some(match (a, b) {
        _ if ip.is_loopback() => AddressRemark::Loopback,
        _ if ip.is_unspecified() => AddressRemark::Unspecified,
        _ if ip.to_ipv4_mapped().is_some() => AddressRemark::Mapped,
        (0xFE80..=0xFEBF, _) => AddressRemark::LinkLocal,
        (0xFC00..=0xFDFF, _) => AddressRemark::UniqueLocal,
        (0xFF00..=0xFFFF, _) => AddressRemark::Multicast,
        (0x2001, 0) => AddressRemark::Teredo,
        (0x2002, _) => AddressRemark::SixToFour,
        _ => return None,
    })
}

/// Can only hosts of the same site reach it?
pub fn is_local_range(ip: IpAddr) -> bool {
    use AddressRemark as R;
    let ip = ip.to_canonical();
    matches!(
        range_remark(ip),
        Some(R::Private | R::CarrierGradeNat | R::LinkLocal | R::Loopback | R::UniqueLocal)
    )
}

impl Address<'_> {
    /// By range, or that it is a name.
    pub fn remark(&self) -> Option<AddressRemark> {
        match self.ip {
            Some(ip) => range_remark(ip),
            None if self.text.is_empty() => None,
            None if self.is_mdns() => Some(AddressRemark::Mdns),
            None => Some(AddressRemark::Name),
        }
    }
}

impl IceDescription<'_> {
    /// Remarks on the address of one of its candidates, in the order of [`AddressRemark`].
    pub fn remarks(&self, candidate: &Candidate<'_>) -> [Option<AddressRemark>; 6] {
        let ip = candidate.address.ip;
        let related_ip = candidate.related.and_then(|r| r.address).and_then(|a| a.ip);
        let is_reflexive =
            ip.is_some() && matches!(candidate.kind, Some(CandidateType::Srflx | CandidateType::Prflx));
        let is_relay = |c: &Candidate<'_>| c.kind == Some(CandidateType::Relay) && c.address.ip == ip;
        let same_as_relay = is_reflexive && self.candidates.iter().any(is_relay);
        let related_hidden = related_ip.is_some_and(|ip| ip.is_unspecified());
        let discard_port = candidate.transport.is_tcp() && candidate.port == Some(9);
        [
            candidate.address.remark(),
            same_as_relay.then_some(AddressRemark::SameAsRelay),
            (is_reflexive && ip == related_ip).then_some(AddressRemark::NotTranslated),
            candidate.relay_names_itself().then_some(AddressRemark::RelayNamesItself),
            related_hidden.then_some(AddressRemark::RelatedHidden),
            discard_port.then_some(AddressRemark::DiscardPort),
        ]
    }

    /// A server reflexive address that both descriptions have: both ends are behind the same NAT.
    pub fn same_nat(&self, other: &IceDescription<'_>) -> Option<IpAddr> {
        let behind_nat = |d: &IceDescription<'_>| -> Vec<IpAddr> {
            d.candidates
                .iter()
                .filter(|c| c.kind == Some(CandidateType::Srflx))
                .filter(|c| !self.remarks(c).contains(&Some(AddressRemark::NotTranslated)))
                .filter_map(|c| c.address.ip)
                .collect()
        };
        let theirs = behind_nat(other);
        behind_nat(self).into_iter().find(|ip| theirs.contains(ip))
    }
}

/// What a type was inferred from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InferredBy {
    /// The address is a relay's that is known from an allocation or from MRAS.
    KnownRelay,
    /// The address is known to be the client's own.
    KnownLocal,
    /// The priority is the one Communicator 2007 gives that type and transport.
    UsualPriority,
    /// The address is of a private or link-local range.
    PrivateRange,
    /// Nothing else fits.
    Remainder,
}

impl InferredBy {
    pub fn title(self) -> &'static str {
        match self {
            Self::KnownRelay => "the address is a known relay's",
            Self::KnownLocal => "the address is the client's own",
            Self::UsualPriority => "Communicator gives this type this priority",
            Self::PrivateRange => "the address is private",
            Self::Remainder => "the address is neither local nor a known relay's",
        }
    }
}

/// A type that is not on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InferredType {
    pub kind: CandidateType<'static>,
    pub by: InferredBy,
}

/// q of Communicator 2007 in thousandths.
const USUAL: [(Transport<'static>, u64, CandidateType<'static>); 5] = [
    (Transport::Udp, 850, CandidateType::Host),
    (Transport::Udp, 550, CandidateType::Srflx),
    (Transport::Udp, 490, CandidateType::Relay),
    (Transport::Tcp, 250, CandidateType::Srflx),
    (Transport::Tcp, 190, CandidateType::Relay),
];

/// The type of a draft-06 candidate, which is never on the line. `relays` are addresses of relays, `locals` the
/// client's own addresses (source of its packets, `c=` or `o=` where private). `None` for candidates that say their
/// type and where there is no address.
pub fn infer_type(candidate: &Candidate<'_>, relays: &[IpAddr], locals: &[IpAddr]) -> Option<InferredType> {
    if candidate.shape != Shape::Draft06 || candidate.kind.is_some() {
        return None;
    }
    let found = |kind, by| Some(InferredType { kind, by });
    let ip = candidate.address.ip?.to_canonical();
    if relays.iter().any(|r| r.to_canonical() == ip) {
        return found(CandidateType::Relay, InferredBy::KnownRelay);
    }
    if locals.iter().any(|l| l.to_canonical() == ip) {
        return found(CandidateType::Host, InferredBy::KnownLocal);
    }
    if let Priority::Fraction(q) = candidate.priority {
        // Only an exact match: 0.8501 is someone else's idea.
        let usual = |(transport, thousandths, _): &&(Transport<'_>, u64, CandidateType<'_>)| {
            *transport == candidate.transport
                && q.thousandths() == *thousandths
                && u128::from(q.digits) * 1000
                    == u128::from(*thousandths) * 10u128.pow(u32::from(q.scale.min(18)))
        };
        if let Some((_, _, kind)) = USUAL.iter().find(usual) {
            return found(*kind, InferredBy::UsualPriority);
        }
    }
    if is_local_range(ip) {
        return found(CandidateType::Host, InferredBy::PrivateRange);
    }
    found(CandidateType::Srflx, InferredBy::Remainder)
}
