//! Methods by number; the common ones have fixed numbers, so that a worker can tell them.

/// A method name, interned: `correlate::Methods` has the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct MethodId(pub u16);

macro_rules! methods {
    ($($id:ident = $n:literal $name:literal),* $(,)?) => {
        impl MethodId {
            $(pub const $id: Self = Self($n);)*
            /// Those with a number of their own, in its order.
            pub const KNOWN: &[&str] = &[$($name),*];

            /// The number of one of them.
            pub fn known(name: &[u8]) -> Option<Self> {
                // Compared with constants, unlike the texts of `KNOWN`.
                $(if name == const { $name.as_bytes() } { return Some(Self::$id); })*
                None
            }
        }
    };
}
methods! {
    INVITE = 0 "INVITE", ACK = 1 "ACK", BYE = 2 "BYE", CANCEL = 3 "CANCEL", REGISTER = 4 "REGISTER",
    OPTIONS = 5 "OPTIONS", PRACK = 6 "PRACK", UPDATE = 7 "UPDATE", INFO = 8 "INFO", REFER = 9 "REFER",
    SUBSCRIBE = 10 "SUBSCRIBE", NOTIFY = 11 "NOTIFY", MESSAGE = 12 "MESSAGE", PUBLISH = 13 "PUBLISH",
    SERVICE = 14 "SERVICE", BENOTIFY = 15 "BENOTIFY", NEGOTIATE = 16 "NEGOTIATE",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places() {
        for (n, name) in (0u16..).zip(MethodId::KNOWN) {
            assert_eq!(MethodId::known(name.as_bytes()), Some(MethodId(n)), "{name}");
        }
        assert_eq!(MethodId::known(b"invite"), None, "methods are case-sensitive (RFC 3261 section 7.1)");
        assert_eq!(MethodId::known(b""), None);
    }
}
