//! The sliver of Nova that clients need to start servers: servers, flavors and keys.

mod flavor;
mod key_pair;
mod server;

pub use flavor::{FLAVOR, flavor};
pub use key_pair::{key_pair, key_pairs};
pub use server::{SERVER, Servers, failed, started};

pub(crate) use flavor::view as view_of_flavor;
pub(crate) use server::{summary, view as view_of_server};
