//! Who a request comes from, and whether it came there by https: what the connection says, or what
//! trusted proxies say of whom they forward. Pure.
//!
//! Anybody can send `X-Forwarded-For`; only its end, which trusted proxies wrote, means anything. So
//! it is walked from the right while the speaker is a trusted proxy.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// What is known of a request's way here.
pub struct Way<'a> {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// Every `X-Forwarded-For`, in order.
    pub forwarded_for: Vec<&'a str>,
    /// Every `X-Forwarded-Proto`, in order.
    pub forwarded_proto: Vec<&'a str>,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress {
    /// The client: the last speaker who is no trusted proxy.
    pub ip: IpAddr,
    /// Whether it came by https.
    pub https: bool,
}

impl ClientAddress {
    /// Where a request that came this way comes from, when these networks are trusted proxies.
    pub fn of(way: &Way, trusted: &[IpNet]) -> ClientAddress {
        let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
        let mut ip = way.peer.to_canonical();
        if !is_trusted(&ip) {
            return ClientAddress { ip, https: way.tls };
        }
        // The last one is the nearest proxy's own word.
        let proto = entries(&way.forwarded_proto).next();
        let https = proto.map_or(way.tls, |proto| proto.eq_ignore_ascii_case("https"));
        for entry in entries(&way.forwarded_for) {
            // Garbage: whoever wrote it is the last that is known.
            let Some(speaker) = address(entry) else { break };
            ip = speaker;
            if !is_trusted(&ip) {
                break;
            }
        }
        ClientAddress { ip, https }
    }
}

/// The entries of a header that is a list, from the last to the first.
fn entries<'a>(headers: &[&'a str]) -> impl Iterator<Item = &'a str> {
    headers.iter().rev().flat_map(|header| header.rsplit(',')).map(str::trim)
}

/// An address as proxies write it: alone, or with a port.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let ip = bare.parse().ok().or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()))?;
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, forwarded_for: &[&str], proto: &[&str], trusted: &str) -> (String, bool) {
        let way = Way {
            peer: peer.parse().unwrap(),
            tls: false,
            forwarded_for: forwarded_for.to_vec(),
            forwarded_proto: proto.to_vec(),
        };
        let trusted: Vec<IpNet> = trusted.split(',').filter_map(|net| net.parse().ok()).collect();
        let client = ClientAddress::of(&way, &trusted);
        (client.ip.to_string(), client.https)
    }

    const NETS: &str = "10.0.0.0/8,fd00::/8";

    #[test]
    fn what_a_stranger_says_of_itself_counts_for_nothing() {
        assert_eq!(of("8.8.8.8", &["1.2.3.4"], &["https"], NETS), ("8.8.8.8".into(), false));
        assert_eq!(of("10.0.0.1", &["1.2.3.4"], &["https"], ""), ("10.0.0.1".into(), false));
        let way = Way {
            peer: [8, 8, 8, 8].into(),
            tls: true,
            forwarded_for: vec![],
            forwarded_proto: vec!["http"],
        };
        assert!(ClientAddress::of(&way, &[]).https, "the connection itself is TLS");
    }

    #[test]
    fn the_client_is_the_rightmost_entry_that_is_no_trusted_proxy() {
        let ip = |forwarded_for: &[&str]| of("10.0.0.1", forwarded_for, &[], NETS).0;
        assert_eq!(ip(&[]), "10.0.0.1");
        assert_eq!(ip(&["1.2.3.4"]), "1.2.3.4");
        assert_eq!(ip(&["6.6.6.6, 1.2.3.4, 10.9.9.9"]), "1.2.3.4", "what it claims is ignored");
        assert_eq!(ip(&["6.6.6.6", "1.2.3.4,10.9.9.9"]), "1.2.3.4", "several headers are one");
        assert_eq!(ip(&["10.0.0.3, 10.0.0.2"]), "10.0.0.3", "all are proxies: the furthest");
        assert_eq!(ip(&["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(ip(&["1.2.3.4:5678"]), "1.2.3.4");
        assert_eq!(ip(&["2001:db8::1, fd00::7"]), "2001:db8::1");
        assert_eq!(ip(&["[2001:db8::1], ::ffff:10.0.0.9"]), "2001:db8::1");
        assert_eq!(of("::ffff:10.0.0.1", &["1.2.3.4"], &[], NETS).0, "1.2.3.4");
    }

    #[test]
    fn garbage_ends_the_walk() {
        let ip = |forwarded_for: &[&str]| of("10.0.0.1", forwarded_for, &[], NETS).0;
        for garbage in ["", "unknown", "1.2.3.4, ", "1.2.3.4, _hidden", "1.2.3.4, 1.2.3", "[1.2"] {
            assert_eq!(ip(&[garbage]), "10.0.0.1", "{garbage:?}");
        }
        assert_eq!(ip(&["1.2.3.4, unknown, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn a_trusted_proxy_says_whether_it_was_https() {
        let https = |proto: &[&str]| of("10.0.0.1", &["1.2.3.4"], proto, NETS).1;
        assert!(https(&["https"]) && https(&["HTTPS"]) && https(&["http, https"]));
        assert!(!https(&["http"]) && !https(&[]) && !https(&["https, http"]) && !https(&[""]));
        assert!(https(&["http", "https"]));
    }
}
