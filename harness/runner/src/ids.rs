//! The ids of a run's objects, drawn from its seed, so that the same seed gives the same names.

use lblab_scenario::Ids;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// The ids of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunIds {
    /// Those of the load balancer and its parts.
    pub(crate) balancer: Ids,
    /// The VIP's port; the first eleven characters name its interface.
    pub(crate) vip_port: String,
    /// The router's and the DHCP namespace's.
    pub(crate) network: String,
}

impl RunIds {
    pub(crate) fn draw(seed: u64) -> RunIds {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        // LBaaS v1 names the namespace, the backend and the state directory by the pool's id.
        let pool = uuid(&mut random);
        RunIds {
            balancer: Ids { load_balancer: pool.clone(), listener: uuid(&mut random), pool },
            vip_port: uuid(&mut random),
            network: uuid(&mut random),
        }
    }
}

/// A version 4 UUID (RFC 9562, 5.4) of these random bits.
fn uuid(random: &mut impl Rng) -> String {
    let mut bytes = [0_u8; 16];
    random.fill_bytes(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::RunIds;

    #[test]
    fn a_seed_always_draws_the_same_uuids() {
        let ids = RunIds::draw(7);
        assert_eq!(ids, RunIds::draw(7));
        assert_ne!(ids, RunIds::draw(8));
        expect!["bb43d723-3453-4528-ba29-9b2ed359012b"].assert_eq(&ids.balancer.pool);
    }
}
