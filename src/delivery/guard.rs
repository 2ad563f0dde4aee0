//! Which addresses may be connected to: public ones, and what the operator has opened. Pure.
//!
//! Whoever may make an integration chooses where this server connects to. Without a guard that would
//! reach whatever only this server can reach: itself, its neighbours, its cloud's metadata.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// Who may be connected to.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Open, although not public.
    allowed: Vec<IpNet>,
}

/// An address that may not be connected to: which, what it is, and how to open it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address} is {kind}, where hooks may not be; the operator can open it with --allow-nets {net}"
)]
pub struct Refused {
    address: IpAddr,
    kind: &'static str,
    net: IpNet,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(first: [u16; 4], last: [u16; 4], bits: u8) -> Ipv6Net {
    let ([a, b, c, d], [e, f, g, h]) = (first, last);
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), bits)
}

/// What is not public of IPv4 (IANA's registry of special-purpose addresses, and the clouds' own
/// services). The first that fits says what an address is.
const CLOSED_V4: [(Ipv4Net, &str); 19] = [
    (v4(0, 0, 0, 0, 32), "the unspecified address"),
    (v4(0, 0, 0, 0, 8), "an address of \"this network\""),
    (v4(10, 0, 0, 0, 8), "a private address"),
    (v4(100, 100, 100, 200, 32), "a cloud's metadata address"),
    (v4(100, 64, 0, 0, 10), "an address inside a provider's network (CGNAT)"),
    (v4(127, 0, 0, 0, 8), "a loopback address"),
    (v4(168, 63, 129, 16, 32), "a cloud's metadata address"),
    (v4(169, 254, 169, 254, 32), "a cloud's metadata address"),
    (v4(169, 254, 0, 0, 16), "a link-local address"),
    (v4(172, 16, 0, 0, 12), "a private address"),
    (v4(192, 0, 0, 0, 24), "an address of IETF protocols"),
    (v4(192, 0, 2, 0, 24), "an address for documentation"),
    (v4(192, 168, 0, 0, 16), "a private address"),
    (v4(198, 18, 0, 0, 15), "an address for benchmarks"),
    (v4(198, 51, 100, 0, 24), "an address for documentation"),
    (v4(203, 0, 113, 0, 24), "an address for documentation"),
    (v4(224, 0, 0, 0, 4), "a multicast address"),
    (v4(255, 255, 255, 255, 32), "the broadcast address"),
    (v4(240, 0, 0, 0, 4), "a reserved address"),
];

/// What is not public of IPv6, forms with an IPv4 address inside aside.
const CLOSED_V6: [(Ipv6Net, &str); 19] = [
    (v6([0; 4], [0; 4], 128), "the unspecified address"),
    (v6([0; 4], [0, 0, 0, 1], 128), "a loopback address"),
    (v6([0; 4], [0; 4], 96), "an IPv4-compatible address"),
    (v6([0x64, 0xff9b, 1, 0], [0; 4], 48), "an address of a local NAT64"),
    (v6([0x100, 0, 0, 0], [0; 4], 64), "an address that discards everything"),
    (v6([0x2001, 0, 0, 0], [0; 4], 32), "an address of a Teredo tunnel"),
    (v6([0x2001, 2, 0, 0], [0; 4], 48), "an address for benchmarks"),
    (v6([0x2001, 0xdb8, 0, 0], [0; 4], 32), "an address for documentation"),
    // The rest of the addresses of IETF protocols, ORCHID among them.
    (v6([0x2001, 0, 0, 0], [0; 4], 23), "an address of IETF protocols"),
    (v6([0x3fff, 0, 0, 0], [0; 4], 20), "an address for documentation"),
    (v6([0x5f00, 0, 0, 0], [0; 4], 16), "an address of segment routing"),
    (v6([0xfd00, 0xec2, 0, 0], [0, 0, 0, 0x254], 128), "a cloud's metadata address"),
    (v6([0xfd20, 0xce, 0, 0], [0, 0, 0, 0x254], 128), "a cloud's metadata address"),
    (v6([0xfc00, 0, 0, 0], [0; 4], 7), "a private address"),
    (v6([0xfe80, 0, 0, 0], [0; 4], 10), "a link-local address"),
    (v6([0xfec0, 0, 0, 0], [0; 4], 10), "a site-local address"),
    (v6([0xff00, 0, 0, 0], [0; 4], 8), "a multicast address"),
    // Nothing else below 2000::/3 is given out, either; forms of IPv4 are looked at before.
    (v6([0; 4], [0; 4], 3), "a reserved address"),
    (v6([0x4000, 0, 0, 0], [0; 4], 2), "a reserved address"),
];

/// Addresses that end at the IPv4 address inside them.
const MAPPED: Ipv6Net = v6([0; 4], [0, 0xffff, 0, 0], 96);
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0], [0; 4], 96);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0], [0; 4], 16);

impl Guard {
    /// A guard that opens these networks besides the public ones.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether `address` may be connected to.
    pub fn check(&self, address: IpAddr) -> Result<(), Refused> {
        if self.allowed.iter().any(|net| net.contains(&address)) {
            return Ok(());
        }
        let refused = |(net, kind): (IpNet, _)| Err(Refused { address, kind, net });
        match address {
            IpAddr::V4(four) => closed_v4(four).map_or(Ok(()), refused),
            IpAddr::V6(six) => match embedded(six) {
                Some(four) => {
                    self.check(IpAddr::V4(four)).map_err(|inside| Refused { address, ..inside })
                }
                None => closed_v6(six).map_or(Ok(()), refused),
            },
        }
    }

    /// Whether `url` may be connected to as far as it says by itself: when its host is an address, in
    /// whatever notation. Names are looked at when they are resolved.
    pub fn check_url(&self, url: &str) -> Result<(), Refused> {
        match Url::parse(url).as_ref().map(Url::host) {
            Ok(Some(Host::Ipv4(address))) => self.check(address.into()),
            Ok(Some(Host::Ipv6(address))) => self.check(address.into()),
            _ => Ok(()),
        }
    }
}

fn closed_v4(address: Ipv4Addr) -> Option<(IpNet, &'static str)> {
    let found = CLOSED_V4.iter().find(|(net, _)| net.contains(&address));
    found.map(|(net, kind)| (IpNet::V4(*net), *kind))
}

fn closed_v6(address: Ipv6Addr) -> Option<(IpNet, &'static str)> {
    let found = CLOSED_V6.iter().find(|(net, _)| net.contains(&address));
    found.map(|(net, kind)| (IpNet::V6(*net), *kind))
}

/// The IPv4 address that a connection to `address` ends at.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bytes = address.octets();
    let four = |at: usize| Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
    if MAPPED.contains(&address) || NAT64.contains(&address) {
        Some(four(12))
    } else if SIX_TO_FOUR.contains(&address) {
        Some(four(2))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(nets: &[&str]) -> Guard {
        Guard::new(nets.iter().map(|net| net.parse().unwrap()).collect())
    }

    #[test]
    fn only_public_addresses_may_be_connected_to() {
        let cases = [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "this network"),
            ("10.0.0.1", "private"),
            ("10.255.255.255", "private"),
            ("100.64.0.1", "CGNAT"),
            ("100.127.255.255", "CGNAT"),
            ("100.100.100.200", "metadata"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("168.63.129.16", "metadata"),
            ("169.254.169.254", "metadata"),
            ("169.254.0.1", "link-local"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.1", "IETF"),
            ("192.0.2.1", "documentation"),
            ("192.168.1.1", "private"),
            ("198.18.0.1", "benchmarks"),
            ("198.19.255.255", "benchmarks"),
            ("198.51.100.7", "documentation"),
            ("203.0.113.7", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::7f00:1", "IPv4-compatible"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::ffff:10.0.0.1", "private"),
            ("::ffff:169.254.169.254", "metadata"),
            ("64:ff9b::7f00:1", "loopback"),
            ("64:ff9b::a00:1", "private"),
            ("64:ff9b:1::808:808", "NAT64"),
            ("100::1", "discards"),
            ("2001::1", "Teredo"),
            ("2001:2::1", "benchmarks"),
            ("2001:20::1", "IETF"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::1", "loopback"),
            ("2002:c0a8:101::1", "private"),
            ("3fff::1", "documentation"),
            ("4000::1", "reserved"),
            ("5f00::1", "segment"),
            ("fc00::1", "private"),
            ("fdff::1", "private"),
            ("fd00:ec2::254", "metadata"),
            ("fd20:ce::254", "metadata"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
        ];
        for (address, kind) in cases {
            let refused = Guard::default().check(address.parse().unwrap()).unwrap_err();
            assert!(refused.kind.contains(kind), "{address}: {refused}");
            let net = refused.net.to_string();
            assert_eq!(guard(&[&net]).check(address.parse().unwrap()), Ok(()), "{address} {net}");
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00::1",
        ] {
            assert_eq!(Guard::default().check(address.parse().unwrap()), Ok(()), "{address}");
        }
    }

    #[test]
    fn a_refusal_says_what_it_is_and_how_to_open_it() {
        let refused = Guard::default().check("127.0.0.1".parse().unwrap()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "127.0.0.1 is a loopback address, where hooks may not be; the operator can open it with \
             --allow-nets 127.0.0.0/8"
        );
    }

    #[test]
    fn what_the_operator_opens_is_open_and_nothing_else() {
        let guard = guard(&["10.1.0.0/16", "fd00:1::/32"]);
        for open in ["10.1.2.3", "::ffff:10.1.2.3", "fd00:1::7", "1.1.1.1"] {
            assert_eq!(guard.check(open.parse().unwrap()), Ok(()), "{open}");
        }
        for closed in ["10.2.0.1", "127.0.0.1", "::ffff:10.2.0.1", "fd00:2::7"] {
            assert!(guard.check(closed.parse().unwrap()).is_err(), "{closed}");
        }
    }

    #[test]
    fn addresses_in_urls_are_seen_in_every_notation() {
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "https://[::1]:8443/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://１２７.0.0.1/",
            "http://127.0.0.1./",
            "http://0/",
        ] {
            assert!(Guard::default().check_url(url).is_err(), "{url}");
        }
        for url in ["http://localhost/", "https://example.com/", "http://1.1.1.1/", "nonsense"] {
            assert_eq!(Guard::default().check_url(url), Ok(()), "{url}");
        }
    }
}
