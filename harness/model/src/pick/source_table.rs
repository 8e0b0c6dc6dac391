//! SOURCE_IP and APP_COOKIE persistence: which client was sent to which member, for the clients seen last.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

/// The table of SOURCE_IP persistence, which knows clients by their addresses.
pub type SourceTable<M> = ClientTable<IpAddr, M>;

/// A bounded table of clients; when it is full, the client that was seen longest ago makes room.
///
/// `K` says who the client is: its address, or the value of its application's cookie. `M` says who the member is, and must mean the same member for as long as the table lives: an address, not a place.
#[derive(Clone, Debug)]
pub struct ClientTable<K, M> {
    capacity: usize,
    places: HashMap<K, usize>,
    rows: Vec<Row<K, M>>,
    /// The row used last and the row used longest ago; meaningless while there is no row.
    newest: usize,
    oldest: usize,
}

#[derive(Clone, Debug)]
struct Row<K, M> {
    client: K,
    member: M,
    newer: usize,
    older: usize,
}

impl<K: Clone + Eq + Hash, M: Copy> ClientTable<K, M> {
    /// The number of clients that are remembered: the size of the table that LBaaS's HAProxy driver configures.
    pub const CAPACITY: usize = 10_000;

    /// An empty table, with the room for all its rows set aside.
    pub fn new() -> ClientTable<K, M> {
        ClientTable::with_capacity(Self::CAPACITY)
    }

    /// An empty table of another size, which is at least 1.
    pub fn with_capacity(capacity: usize) -> ClientTable<K, M> {
        let capacity = capacity.max(1);
        ClientTable {
            capacity,
            places: HashMap::with_capacity(capacity),
            rows: Vec::with_capacity(capacity),
            newest: 0,
            oldest: 0,
        }
    }

    /// The client's member; the client counts as seen.
    pub fn get<Q: ?Sized + Eq + Hash>(&mut self, client: &Q) -> Option<M>
    where
        K: Borrow<Q>,
    {
        let at = *self.places.get(client)?;
        self.make_newest(at);
        Some(self.rows[at].member)
    }

    /// Binds the client to the member, in place of any other; the client counts as seen.
    pub fn put(&mut self, client: K, member: M) {
        if let Some(&at) = self.places.get(&client) {
            self.rows[at].member = member;
            self.make_newest(at);
        } else if self.rows.len() < self.capacity {
            let at = self.rows.len();
            self.places.insert(client.clone(), at);
            self.rows.push(Row { client, member, newer: at, older: at });
            if at == 0 {
                (self.newest, self.oldest) = (at, at);
            } else {
                self.link_as_newest(at);
            }
        } else {
            let at = self.oldest;
            self.places.remove(&self.rows[at].client);
            self.places.insert(client.clone(), at);
            self.rows[at].client = client;
            self.rows[at].member = member;
            self.make_newest(at);
        }
    }

    /// Forgets every client.
    pub fn clear(&mut self) {
        self.places.clear();
        self.rows.clear();
    }

    fn make_newest(&mut self, at: usize) {
        if at == self.newest {
            return;
        }
        // A row that is not the newest has a newer one; only the oldest has no older one.
        let Row { newer, older, .. } = self.rows[at];
        if at == self.oldest {
            self.oldest = newer;
        } else {
            self.rows[older].newer = newer;
            self.rows[newer].older = older;
        }
        self.link_as_newest(at);
    }

    fn link_as_newest(&mut self, at: usize) {
        self.rows[at].older = self.newest;
        self.rows[self.newest].newer = at;
        self.newest = at;
    }
}

impl<K: Clone + Eq + Hash, M: Copy> Default for ClientTable<K, M> {
    fn default() -> ClientTable<K, M> {
        ClientTable::new()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::{ClientTable, SourceTable};

    const CAPACITY: u32 = 10_000;

    fn client(n: u32) -> IpAddr {
        Ipv4Addr::from(0x0a00_0000 + n).into()
    }

    #[test]
    fn the_clients_seen_last_are_remembered_and_no_others() {
        let mut table = SourceTable::new();
        for n in 0..CAPACITY + 1_000 {
            table.put(client(n), n);
            // The very first client never goes quiet.
            assert_eq!(table.get(&client(0)), Some(0));
        }
        for n in 1..=1_000 {
            assert_eq!(table.get(&client(n)), None, "{n}");
        }
        for n in 1_001..CAPACITY + 1_000 {
            assert_eq!(table.get(&client(n)), Some(n));
        }
    }

    #[test]
    fn a_cleared_table_fills_again() {
        let mut table = SourceTable::new();
        for n in 0..20 {
            table.put(client(n), 'a');
        }
        table.clear();
        assert_eq!(table.get(&client(3)), None);
        table.put(client(3), 'b');
        table.put(client(4), 'c');
        assert_eq!((table.get(&client(3)), table.get(&client(4))), (Some('b'), Some('c')));
    }

    #[test]
    fn a_table_of_two_sessions_remembers_the_last_two() {
        let mut table = ClientTable::with_capacity(2);
        for session in ["a", "b", "c"] {
            table.put(session.to_owned(), session.len());
        }
        assert_eq!(["a", "b", "c"].map(|session| table.get(session)), [None, Some(1), Some(1)]);
    }

    proptest! {
        #[test]
        fn the_table_agrees_with_a_list_in_order_of_use(steps in prop::collection::vec((0..12_000_u32, any::<bool>()), 0..60)) {
            // Nearly full from the start, so that the steps evict.
            let mut table = SourceTable::new();
            let mut model: Vec<(u32, u32)> = Vec::new();
            for n in 0..CAPACITY - 10 {
                table.put(client(n), n);
                model.push((n, n));
            }
            for (step, (n, write)) in (0..).zip(steps) {
                let known = model.iter().position(|&(known, _)| known == n).map(|at| model.remove(at));
                if write {
                    table.put(client(n), step);
                    model.push((n, step));
                    if model.len() > SourceTable::<u32>::CAPACITY {
                        model.remove(0);
                    }
                } else {
                    prop_assert_eq!(table.get(&client(n)), known.map(|(_, member)| member));
                    model.extend(known);
                }
            }
        }
    }
}
