//! The checks, each in one row.

use serde::{Deserialize, Serialize};

use super::{Check, Errors};

/// Makes the ids and the table out of the same rows, so that neither can lack one.
macro_rules! checks {
    ($($id:ident $code:literal $title:literal, bound: $bound:literal, why: $why:literal, needs: $needs:literal,
       errors: $errors:expr, lbaas: $lbaas:literal, scenarios: $scenarios:expr;)*) => {
        /// The id of a check.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum CheckId {
            $(#[doc = $title] $id,)*
        }

        /// Every check, in the order of the ids.
        pub static CHECKS: &[Check] = &[
            $(Check {
                id: CheckId::$id, code: $code, title: $title, bound: $bound, why: $why, needs: $needs,
                errors: $errors, lbaas: $lbaas, scenarios: &$scenarios,
            },)*
        ];
    };
}

checks! {
    Rr1 "RR-1" "Round robin over equal weights takes the members in turn.",
        bound: "any n consecutive requests hit n different members, over at least 2n requests; exact",
        why: "With n equal members every correct round robin has period n. Nothing is assumed about who is first.",
        needs: "ROUND_ROBIN, `rotation: in-turn`, one worker, requests one after the other",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/round-robin", "balancing/tcp", "walkthrough/pool"];
    Rr2 "RR-2" "Round robin over equal weights gives every member the same number of requests.",
        bound: "k*n consecutive requests: k for each; with `rotation: shuffled` as RR-3; exact",
        why: "The sum over k periods of RR-1. A chi-square test would pass a random pick, this does not.",
        needs: "ROUND_ROBIN, one worker, requests one after the other",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/round-robin", "balancing/tcp"];
    Rr3 "RR-3" "Weights are kept in every period.",
        bound: "with W the sum of the weights over their gcd: from some offset on, every W requests are shared exactly by weight; \
                any W consecutive requests within 1 of it; over at least 2W requests. With `rotation: shuffled` the first, of which \
                what is cut off at either end is a part, over so many requests that a random pick would do as well with a \
                probability of at most 0.01",
        why: "Smooth weighted round robin (nginx) and HAProxy's elastic trees both have period W. The order within a period \
              differs between them, so no order is demanded; where a period begins is not known, so every offset is tried. Where \
              the order varies from period to period, requests on both sides of a border may be those of one member.",
        needs: "ROUND_ROBIN, `weights: exact`, one worker, requests one after the other",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/weights"];
    Rr4 "RR-4" "A rotation by weight is smooth.",
        bound: "every count within 2.0 of its quota at every prefix, from the request of the first period on from which that is least; \
                the value is reported",
        why: "Smooth weighted round robin is the greedy of the chairman assignment problem (Tijdeman 1980; Coppersmith et al., ACM \
              TALG 7(3), 2011): never ahead by a whole request, and at most 1.14 behind for up to 20 members, as far as measured. \
              HAProxy's trees came to 0.67 to 1.24. Serving a period in blocks, one member after the other, exceeds it as soon as a \
              weight is large.",
        needs: "as RR-3, unequal weights, `rotation: in-turn`, no `sequence: blocks`",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/smooth-weights", "balancing/extreme-weights", "balancing/weights"];
    Rr5 "RR-5" "The order within a period is the declared one.",
        bound: "every request as the declared sequence has it, over at least 2W requests, whichever came first; exact",
        why: "Smooth weighted round robin was reproduced exactly for every vector of weights that was tried, with several workers too \
              where they share their state. Members that are equally far take their turn in the order of the configuration.",
        needs: "as RR-3, unequal weights, `sequence`",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/smooth-weights", "balancing/weights", "balancing/extreme-weights"];
    Rr6 "RR-6" "Concurrent requests are shared as their weights say.",
        bound: "with k workers: largest and smallest count differ by at most k for equal weights; each count within 2k of its quota \
                for others. With `rotation: shuffled` by at most 2k, and within 2k or the largest 2k*w(1 - w/W) of its quota",
        why: "Every worker's own rotation is off by at most 1 for equal weights and by less than 2 for others (the greedy of \
              Tijdeman's chairman assignment problem; 1.14 is the most that was measured). Where the order varies, a member's w \
              requests may all come first in a period that is cut off, or last, at either end.",
        needs: "ROUND_ROBIN; `workers` for k; `weights: exact` for unequal ones; requests that overlap, or more than one worker",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/concurrency"];
    Rr7 "RR-7" "The members that are left share the requests as their weights say.",
        bound: "RR-1, or RR-3, over the members in rotation",
        why: "An implementation that skips to the next healthy member gives a dead member's successor twice its share.",
        needs: "as RR-1; a member that has been taken out",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/survivors", "failover/weighted-survivors"];
    Rr8 "RR-8" "A member that has returned gets its share again.",
        bound: "RR-1, or RR-3, after at most 2W requests",
        why: "A returning member may be slotted in anywhere in a period; two periods are room for that.",
        needs: "as RR-1; a member that has been taken out and has returned",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/survivors", "failover/weighted-survivors"];
    Rr9 "RR-9" "A member of weight 0 gets no new clients.",
        bound: "0 requests; exact",
        why: "LBaaS: weight 0 takes no new connections.",
        needs: "a member of weight 0; `weights: exact`",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/weights", "reconfiguration/weight"];
    Rr10 "RR-10" "A changed weight is kept.",
        bound: "RR-3, or RR-1, with the new weights after at most 2W requests",
        why: "As RR-3; the change may fall anywhere in a period.",
        needs: "as RR-3, `weights: exact` even if the new ones are equal; a weight that has been changed",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["reconfiguration/weight"];
    Rr11 "RR-11" "The largest and the smallest weight are kept.",
        bound: "RR-3 with weights 256 and 1, and with `rotation: in-turn` 256 requests to others between two of the member of weight 1; \
                exact",
        why: "As RR-3; a rotation that takes the members in the same order in each period comes to each at the same place. A weight that \
              is scaled, rounded or kept in too few bits shows at its ends first, and 255 to 1 is too close to 256 to 1 to be told \
              by the counts of a few periods.",
        needs: "as RR-3; a member of weight 256 and one of weight 1",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/extreme-weights"];
    Rr12 "RR-12" "On connections that are used again, what is declared to be shared is shared.",
        bound: "with `balances: requests` RR-1, RR-3 or RR-6 over the requests, from so many connections that sharing those would not \
                pass; with `balances: connections`, and in a pool of protocol TCP, the same over the connections, and one member for \
                each; exact",
        why: "A client that keeps its connection is otherwise served by one member for as long as it does, and the shares of requests \
              say nothing of the weights.",
        needs: "ROUND_ROBIN without persistence, traffic with `reuse: true`, a balancer that keeps clients' connections open",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/keep-alive"];
    Rr13 "RR-13" "What is drawn is drawn by weight.",
        bound: "chi-square of the counts against the weights, alpha = 1e-6, half of it at either end; the power against one member with 5 \
                points more than its share is published with each verdict",
        why: "Draws that do not depend on each other are multinomial. A rotation that is declared to be drawn is too even for that. \
              7,000 requests to three equal members tell 5 points with a power of more than 0.999.",
        needs: "ROUND_ROBIN, `rotation: random`, expected counts of at least 5",
        errors: Errors::Rates { alpha: 1e-6, power: "published with each verdict, against one member with 5 points more than its share" },
        lbaas: "1, 2",
        scenarios: ["balancing/many-requests"];
    Rr14 "RR-14" "Members join and leave the pool under traffic without harm.",
        bound: "no failed request from the first change's start on, but for what a fault explains; while the pool is constant, and from the first to the \
                last moment at which no request is open, counts of equal members differ by at most 1 for requests one after the other, by at most 2 for others (k more for k more workers), by at \
                most 2 for each worker with `rotation: shuffled`",
        why: "Each constant stretch is a round robin of its own, cut off at both ends.",
        needs: "a change of the pool while traffic runs",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["reconfiguration/members", "reconfiguration/reloads"];
    Lc1 "LC-1" "Held connections are spread evenly.",
        bound: "each goes to a member that has the fewest just before; largest and smallest count then differ by at most 1 at every \
                prefix; exact",
        why: "The definition of least connections, at each decision.",
        needs: "LEAST_CONNECTIONS, one worker, equal weights, connections opened one after the other",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/least-connections"];
    Lc2 "LC-2" "Held connections are spread by weight.",
        bound: "every member within 1.5 of its quota at every prefix",
        why: "HAProxy minimises (n+1)/w and nginx n/w; 1.0 is the most that was measured for either.",
        needs: "LEAST_CONNECTIONS, one worker, `weights: exact`, unequal weights, connections opened one after the other",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/least-connections-weights"];
    Lc3 "LC-3" "A member whose connections have ended is filled up first.",
        bound: "all of the next connections go there, up to as many as make it even with the others; exact",
        why: "Until then it has the fewest for its weight by either way of counting.",
        needs: "LEAST_CONNECTIONS, one worker; `weights: exact` for unequal ones; connections released on one member",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/least-connections"];
    Lc4 "LC-4" "Idle members get requests as the balancer declares.",
        bound: "`ties: rotating`: n requests in a row go to n members; `first`: all to the first in rotation; `random`: the upper tail of \
                chi-square is at least alpha = 1e-6, with the power published",
        why: "When nobody is busy, the definition of least connections leaves open who is picked, and balancers differ. A request whose \
              predecessor has only just ended may find its member still counted as busy: it is no evidence against `first`, and makes what \
              is drawn more even than chance, so only the upper tail counts.",
        needs: "LEAST_CONNECTIONS, equal weights, one worker, `ties`, requests one after the other with time between them",
        errors: Errors::Rates { alpha: 1e-6, power: "published with each verdict, against one member at half its share; exact unless `ties: random`" },
        lbaas: "1, 2",
        scenarios: ["balancing/idle-members"];
    Lc5 "LC-5" "A slow member gets no more than the others can take.",
        bound: "for each request, what was certainly open on its member when it was decided upon is at most what may have been open on any \
                other: counts within 1 + c of each other, with c the requests of which that is not certain",
        why: "The definition of least connections, with what is known of it. A request is decided upon between its sending and its arrival. It \
              is certainly open from its arrival at the member to the member's answer, and perhaps from its sending to 50 ms after its \
              end, when the balancer has seen both connections closed. By Little's law a member k times slower then serves 1/k of what \
              another does; in turn, all clients would end up waiting for it.",
        needs: "LEAST_CONNECTIONS, equal weights, one worker, more requests at a time than members",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/slow-member"];
    Lc6 "LC-6" "A member that nothing reaches holds up no more requests than the others have open.",
        bound: "as LC-5, for each request that got stuck: those that were stuck then are at most as many as may have been open on any other \
                member",
        why: "A connection that is not answered stays open, so the member that is not reached is as busy as any other after a few, and least \
              connections leaves it alone: 3 delayed requests where a rotation had 108. What takes more than 50 ms to reach a member was \
              sent to the one that nothing reaches first.",
        needs: "as LC-5; a member that is silent to SYNs and in rotation during all of the traffic",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/blackhole-least-connections"];
    Sh1 "SH-1" "Requests from one address go to one member.",
        bound: "one member for each address; exact",
        why: "LBaaS: SOURCE_IP, as method or as persistence. The client's port must not matter.",
        needs: "SOURCE_IP as method or persistence; at least two requests from an address",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/source-ip", "balancing/ipv6-source-ip"];
    Sh2 "SH-2" "Addresses are spread over the members by weight.",
        bound: "every member gets some, and the upper tail of chi-square over the addresses is at least alpha = 1e-6; the power \
                against one member at half its share is published with each verdict",
        why: "A hash of structured addresses may be spread more evenly than chance (HAProxy's map is perfect for consecutive \
              addresses), so only the upper tail counts. A /24 is one key where the hash is declared to ignore the last octet, and an IPv6 address is \
              always a key of its own. For a \
              consistent hash the statistic is divided by 1 + N/(16n), since a ring of 16 points for each member has shares with a \
              relative deviation of 25 % and is not wrong.",
        needs: "SOURCE_IP as method or persistence; `weights: exact` for unequal ones; expected counts of at least 5",
        errors: Errors::Rates { alpha: 1e-6, power: "published with each verdict, against one member at half its share" }, lbaas: "1, 2",
        scenarios: ["balancing/source-ip", "balancing/source-ip-weights"];
    Sh3 "SH-3" "Addresses go where the declared formula has them.",
        bound: "every address; exact",
        why: "`address-modulo` is HAProxy's map: the address as a number modulo the total weight is a place in a map that is filled as its \
              `recalc_server_map` does it; exact for 400 of 400 addresses; the four words of an IPv6 address are \
              taken together by exclusive or. `nginx-slash24` is `ip_hash`: h = (113 h + octet) mod 6271 \
              from 89 on over three octets, modulo the total weight. `highest-random-weight` is the reference balancer's own.",
        needs: "SOURCE_IP as method without persistence, `hash_formula`",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/source-ip", "balancing/source-ip-weights"];
    Sh4 "SH-4" "When a member leaves, only its own clients move.",
        bound: "0 other addresses move; exact. With `hash: maglev` at most 2 % of them, rounded up",
        why: "The definition of consistent hashing. Maglev's table is filled anew without the member, and a few places change hands.",
        needs: "SOURCE_IP as method, `hash: consistent`, `rendezvous` or `maglev`; traffic before and after the member left",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/source-ip"];
    Sh5 "SH-5" "When the members are the same again, addresses are where they were.",
        bound: "0 addresses are elsewhere than before the first fault or change; exact",
        why: "A hash has no memory: with the same members it maps clients as before, whatever its kind.",
        needs: "SOURCE_IP as method without persistence; traffic before the first fault or change and at last, with the same members in \
                rotation",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/source-ip", "reconfiguration/source-ip"];
    Sh6 "SH-6" "The client's port does not matter.",
        bound: "one member for an address that comes from at least 100 ports; exact",
        why: "LBaaS: SOURCE_IP is the address. Octavia's SOURCE_IP_PORT, which uses the port as well, is no method of the LBaaS APIs and \
              of their HAProxy driver, so that the port is used is not asserted of anybody.",
        needs: "SOURCE_IP as method or persistence; 100 ports of an address",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/source-ports"];
    Sp1 "SP-1" "A client with a cookie stays on its member.",
        bound: "one member for each client; the cookie is set with the first answer, to no other value than the \
                client's afterwards, and never twice in one answer; exact",
        why: "LBaaS: HTTP_COOKIE. Setting another value would show that the client's has not been recognised; some \
              balancers set the same one again. Of two cookies of one name in an answer (RFC 6265, 4.1.1, forbids it) which one \
              counts is anybody's guess.",
        needs: "HTTP_COOKIE; at least two requests of a client",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["persistence/http-cookie"];
    Sp2 "SP-2" "Members do not see the balancer's cookie.",
        bound: "absent from every request in the members' logs; exact",
        why: "The cookie is between client and balancer. HAProxy's `indirect`, which the LBaaS driver writes, removes it; many balancers pass \
              it on and declare so.",
        needs: "HTTP_COOKIE, `cookie: hidden`, requests that carry the cookie",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["persistence/http-cookie"];
    Sp3 "SP-3" "A client whose member has left is served by another one at once, with a new cookie.",
        bound: "no failed request; the first answer sets a cookie (HTTP_COOKIE), and the client stays where that led; clients of other members \
                stay where they were; exact",
        why: "A cookie of a member that is out must cost nothing but the move.",
        needs: "HTTP_COOKIE or APP_COOKIE; clients that bring their cookies along after a member has left",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["persistence/cookie-failover"];
    Sp4 "SP-4" "When a member has returned, clients stay with their cookies, new or old.",
        bound: "a client that brings the cookie it was given last is where it was at last, and one that brings its first cookie is where it was \
                at first; exact",
        why: "A cookie names its member. Nothing but the cookie that a client brings says where it belongs.",
        needs: "HTTP_COOKIE or APP_COOKIE; clients that bring cookies along after a member has returned",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["persistence/cookie-failover"];
    Sp5 "SP-5" "A client with a cookie that is unknown or malformed is a new client.",
        bound: "RR-1, or what else new clients are shared by; a cookie is set with each answer (HTTP_COOKIE); no failed request; exact",
        why: "Cookies outlive members and configurations, and clients can send what they like.",
        needs: "HTTP_COOKIE or APP_COOKIE with ROUND_ROBIN; traffic with a `cookie` of its own",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["persistence/unknown-cookie"];
    Sp6 "SP-6" "A client with the application's cookie stays on its member.",
        bound: "one member for each client from the cookie on that its member has set; exact",
        why: "LBaaS: APP_COOKIE. The balancer learns the cookie from the answer; LBaaS does not say that \
              only some of its characters count, and applications give out values that begin alike.",
        needs: "APP_COOKIE; at least two requests of a client",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["persistence/app-cookie", "persistence/long-app-cookie"];
    Sp7 "SP-7" "When a member leaves, only the clients that were kept on it move.",
        bound: "0 other addresses move; exact. How evenly the moved ones are spread is reported, not judged",
        why: "A table of clients is not changed for those whose member lives.",
        needs: "SOURCE_IP as persistence; traffic before and after the member left",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["persistence/source-table"];
    Sp8 "SP-8" "When a member has returned, nobody is brought back to it by the table.",
        bound: "0 addresses are elsewhere than in the traffic before the return; exact",
        why: "A table remembers where a client was last. Moving it again would break the session that it has there.",
        needs: "SOURCE_IP as persistence, `source_table` with room for all clients; traffic before and after a member has returned",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["persistence/source-table"];
    Sp9 "SP-9" "Clients stay where they are when something else is changed.",
        bound: "0 clients are elsewhere; exact",
        why: "Adding a member is no reason to move the clients of others. The HAProxy driver's table is lost with each reload, and 44 of 60 \
              clients move; HAProxy declares so. A cookie that the balancer inserts is with the client, and nothing is to be forgotten.",
        needs: "SOURCE_IP as persistence with `source_table` and `reload: keeps-all`, HTTP_COOKIE, or APP_COOKIE with `reload: keeps-all`; a \
                change of the pool between two traffic steps of the same clients",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["persistence/source-table-reload", "persistence/cookie-reload"];
    Sp10 "SP-10" "A client with an IPv6 address stays on its member.",
        bound: "one member for each address; exact. That the clients of a /64 are not one client is SH-2's",
        why: "LBaaS: SOURCE_IP as persistence, and a VIP is an address of either family. HAProxy's table of type `ip`, which the drivers \
              wrote, has no room for an IPv6 address and says nothing: with it HAProxy 2.6 kept none of 64 clients, with type `ipv6` all. Octavia \
              had that defect once.",
        needs: "an IPv6 VIP and SOURCE_IP as persistence; at least two requests from an address; `ipv6: true`",
        errors: Errors::None, lbaas: "2",
        scenarios: ["persistence/ipv6-source-table"];
    Sp11 "SP-11" "A table that is full remembers the clients that it saw last.",
        bound: "0 addresses are elsewhere of those that came again after fewer others than the declared table has room for, but for 1 % of \
                it; exact",
        why: "What has to make room is what was seen longest ago: whoever is active keeps its member. HAProxy makes room for a 256th of the \
              table at once.",
        needs: "SOURCE_IP as persistence, `source_table`, more clients than that",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["persistence/table-overflow"];
    Sp12 "SP-12" "A member whose weight is set to 0 keeps its clients and gets no new ones.",
        bound: "0 clients with its cookie are elsewhere, and it serves 0 of the others; exact",
        why: "LBaaS: a member of weight 0 takes no new connections and goes on serving those that are bound to it; that is how a member is \
              drained.",
        needs: "HTTP_COOKIE or APP_COOKIE, `weights: exact`; a weight that is set to 0, and clients that bring their cookies along",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["persistence/drain"];
    Hm1 "HM-1" "Exactly f consecutive bad probes take a member out.",
        bound: "out after f, not f-1, not f+1; counted in the member's own log, or, where the fault hides the probes from the member, \
                from its last good probe on by the declared schedule and cost",
        why: "LBaaS: max_retries. f is 1 before the first good probe after a start where the balancer declares so.",
        needs: "a monitor, `fall: max-retries` or just as many, a fault that it can see, a good probe before the fault",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/refuse", "failover/status-500"];
    Hm2 "HM-2" "Failures that are not consecutive do not take a member out.",
        bound: "never out, over every run of fewer than f bad probes, which the member's log has to show",
        why: "LBaaS counts consecutive failures; one good probe clears the count.",
        needs: "a monitor, an f of at least 2 (`fall`), and a fault that flaps",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["monitor/flapping"];
    Hm3 "HM-3" "Exactly r consecutive good probes bring a member back.",
        bound: "back after r, not r-1, not r+1, counted in the member's own log; after a blackhole a repeated SYN from before the heal \
                may count or not",
        why: "LBaaS has no `rise`; the drivers' is 2, and each balancer declares its own.",
        needs: "a monitor; `rise` for r",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/refuse", "failover/status-500"];
    Hm4 "HM-4" "A member that refuses connections is left in time.",
        bound: "(f-1)d .. f*d after the fault, give or take 100 ms and 2 %",
        why: "The fault falls uniformly into a cycle of length d; f bad probes that end at once follow, with f-1 delays between them.",
        needs: "a monitor; `probe_schedule`, `fall`",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/refuse", "failover/reject", "monitor/tcp"];
    Hm5 "HM-5" "A member that nothing gets through to is left in time.",
        bound: "end to start (f-1)d + fc .. f(d+c), start to start (f-1)max(d,c) + c .. the same + d, by ticks the same with the first \
                multiple of d over c for max(d,c), with c the timeout, or less where declared, which is not for a PING monitor; give or take \
                100 ms and 2 %",
        why: "As HM-4 with probes of length c. LBaaS: a probe takes at most the timeout; HAProxy's connect timeout of 5 s does not \
              know it.",
        needs: "a monitor; `probe_schedule`, `unanswered_syn`",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/blackhole", "failover/unplug", "monitor/ping-blackhole"];
    Hm6 "HM-6" "A member that accepts and does not answer is left in time.",
        bound: "as HM-5 with c the timeout",
        why: "As HM-5. A balancer that waits longer than the timeout for an answer does not do what LBaaS says.",
        needs: "an HTTP monitor; `probe_schedule`",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/hang", "failover/slow", "failover/short-timeout"];
    Hm7 "HM-7" "A member that answers wrongly is left in time.",
        bound: "as HM-4",
        why: "A wrong status or a reset ends a probe at once.",
        needs: "an HTTP monitor; `probe_schedule`",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/status-500", "failover/reset", "monitor/codes", "monitor/head"];
    Hm8 "HM-8" "A healed member is used again in time.",
        bound: "(r-1)d .. (r-1)d + d + c end to start, (r-1)d .. (r-1)d + max(d,c) start to start, by ticks as in HM-5, and from (r-1)d - c on if the heal \
                may save a probe (slow, or a blackhole with c over 1 s); give or take 100 ms and 2 %",
        why: "A heal inside a probe that hangs does not save it; then r good probes follow, with r-1 delays between them. A slow \
              member answers when it is healed, and a repeated SYN meets it; such a probe began before the heal.",
        needs: "a monitor; `rise`, `probe_schedule`",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/refuse", "failover/status-500"];
    Hm9 "HM-9" "On average members leave and return in the middle of their windows.",
        bound: "the mean of K >= 20 times within 5d/sqrt(12K) of the middle; over the windows of HM-4 to HM-8, of departures whatever the \
                fault, of returns after faults whose bad probes end at once",
        why: "Faults and heals fall evenly into the probes' cycle. Until the first bad probe U of (0, d) passes, and then what the bad \
              ones take: (f-1)d + fc end to start, (f-1)max(d, c) + c start to start, with the first multiple of d over c for max(d, c) by \
              ticks. So each departure is evenly spread over a d, with a standard deviation of d/sqrt(12), whatever the schedule and the \
              cost. So is a return after a c of nothing. If the faults fell unevenly, as the members' logs tell, it is inconclusive.",
        needs: "a monitor; 20 departures or returns in one run",
        errors: Errors::Rates { alpha: 6e-7, power: "over 0.99 against a mean that is off by half a delay, with K = 20" },
        lbaas: "1, 2",
        scenarios: ["monitor/many-faults"];
    Hm10 "HM-10" "The times in which members leave and return are evenly spread over their windows.",
        bound: "Kolmogorov and Smirnov's distance of K >= 100 times to the even distribution at most sqrt(-ln(alpha/2) / 2K), alpha = 1e-4",
        why: "As HM-9. A mean can be right by chance, as that of a balancer that looks at its members once in two delays and counts a \
              failure double.",
        needs: "a monitor; 100 departures or returns in one run",
        errors: Errors::Rates { alpha: 1e-4, power: "over 0.99 against times that take up half of the window, with K = 100" }, lbaas: "1, 2",
        scenarios: ["monitor/hundred-faults"];
    Hm11 "HM-11" "A member is left at the end of the f-th bad probe.",
        bound: "within 100 ms and 2 % of the window of the end of the f-th bad probe, as the member saw it, or as follows from its last \
                good probe",
        why: "Knowing the phase makes the window of HM-4 to HM-7 a point.",
        needs: "a monitor, a fault that it can see, a good probe before the fault; `fall`",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/refuse", "failover/status-500"];
    Hm12 "HM-12" "A healthy member is probed once a delay.",
        bound: "from start to start d + h (end to start, h the probe's duration) or d (start to start, ticks), give or take 100 ms and 2 %, for \
                every two good probes with no fault or change between them; no burst after a recovery",
        why: "LBaaS: delay is the time between probes.",
        needs: "a monitor; `probe_schedule`; three good probes in a row",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/refuse", "monitor/flapping"];
    Hm13 "HM-13" "A probe is good until its timeout, and bad from then on.",
        bound: "a member whose answers take three quarters of the timeout or more, and less than it, stays through f probes; one whose \
                answers take up to half as much again as the timeout is left",
        why: "LBaaS: timeout is how long a probe may take. The scenarios ask at 0.8 and at 1.3 of it, 200 ms from an edge of 1 s, which \
              a balancer that reads the timeout in another unit, or not at all, cannot pass both of.",
        needs: "an HTTP monitor; a member that is slow by about the timeout",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["monitor/timeout-edge"];
    Hm14 "HM-14" "Each expected code is good, and every other one is bad.",
        bound: "a member that answers a listed code stays through f probes; with several codes listed, one that answers another is left; \
                exact",
        why: "LBaaS: expected_codes is a code, a list or a range.",
        needs: "an HTTP monitor whose form of `expected_codes` is declared; a member that answers such a code",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["monitor/codes-list", "monitor/codes-range", "monitor/codes"];
    Hm15 "HM-15" "Every probe asks for the monitor's path by the monitor's method.",
        bound: "every probe that any member saw; exact",
        why: "LBaaS: http_method and url_path. Which host a probe names LBaaS does not say, and so nothing is asserted of it.",
        needs: "an HTTP monitor; a probe that asked",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["monitor/codes", "monitor/head", "failover/refuse"];
    Hm16 "HM-16" "An HTTPS monitor judges the status that comes over TLS.",
        bound: "a member that answers another code than the expected ones over TLS is left; one that answers an expected one stays through \
                f probes, whatever certificate it shows; exact",
        why: "LBaaS: expected_codes is for HTTPS monitors as for HTTP ones. The driver for HAProxy asked for no more than a handshake \
              (`option ssl-hello-chk`), which succeeds with a member that answers 500; Octavia asks (`check-ssl verify none`), and \
              verifies no certificate.",
        needs: "an HTTPS monitor whose form of `expected_codes` is declared; a member that answers a code, or one that is well",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["monitor/https", "monitor/https-certificate", "monitor/https-faults"];
    Hm17 "HM-17" "A PING monitor asks by ICMP, and so a member whose port is closed stays.",
        bound: "every probe that any member saw is an ICMP echo request; a member that refuses or rejects connections stays through f of \
                them; exact",
        why: "LBaaS: PING. Its first reference driver, and Octavia's amphora at first, rendered it as a check by TCP, and took out hosts \
              that were well. Whether a port serves is what the other monitors are for.",
        needs: "a PING monitor that the balancer declares; an echo request, or two delays and a timeout in which one had to come",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["monitor/ping-refused", "monitor/ping-blackhole"];
    Hm18 "HM-18" "Without a monitor nothing is probed and nobody is taken out.",
        bound: "0 probes in any member's log, never out; exact",
        why: "LBaaS: a pool without a monitor has members without health.",
        needs: "a pool without a monitor; no `passive` checks that may have acted",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["monitor/none", "monitor/none-503"];
    Hm19 "HM-19" "A member that is dead from the start is left in time.",
        bound: "at most d + (f-1)(d+c) + c after the first step began; where `first_failure: counts` is declared, at least as long after \
                the run began as f bad probes take, the first at once; give or take 100 ms and 2 %; f is 1 where the balancer declares that \
                the first failure takes a member out",
        why: "The first probe of each member comes within a delay of the start, and not before the run has begun.",
        needs: "a monitor; a member that is never reachable",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["monitor/dead-from-the-start"];
    Hm20 "HM-20" "A member that has been taken out serves nothing.",
        bound: "0 requests sent after it was out; exact",
        why: "That is what taking out means.",
        needs: "a member that has been taken out; no `panic`",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/refuse", "failover/mostly-down"];
    Hm21 "HM-21" "Faults that are over in time take nobody out.",
        bound: "never out, over any number of faults that are shorter than (f-1)d by 100 ms and 2 %, with more than d + c and as much \
                between them; at least f probes have to have met them",
        why: "From the start of the first of f bad probes to that of the last f-1 delays pass at least, and a good probe in between \
              clears the count. Unlike HM-2 this needs no count of the probes, so it is made of faults that hide them as well.",
        needs: "a monitor with an f of at least 2; a member whose faults have all been healed",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["monitor/brief-faults", "monitor/brief-blackholes"];
    Hm22 "HM-22" "With every member out, clients are answered and not left hanging.",
        bound: "every request is answered with the expected status within 1 s, give or take 100 ms and 2 %",
        why: "LBaaS drivers answer 503; a client that hangs cannot tell a dead pool from a slow one.",
        needs: "every member out of rotation; `panic: 0`",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/all-down"];
    Hm23 "HM-23" "On a busy machine a member that refuses is left in time.",
        bound: "as HM-4, give or take five times as much: 500 ms and 10 % of each bound",
        why: "Balancers share their hosts. With a fifth of the processors' time to spare one that asks for little of it gets that within some \
              milliseconds, so it is no excuse for probes that are left out or put off. How long it did wait is \
              measured all the same, and decides nothing if that is more than half of what is allowed and could have made the difference.",
        needs: "as HM-4, while a `busy` step keeps the processors busy: measured to be so from the fault until the member is left, but for 5 \
                points",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/busy"];
    Hm25 "HM-25" "When its monitor is removed, a pool uses members that were down.",
        bound: "the first request reaches each of them at most 1 s after the change was in force, give or take 100 ms and 2 %",
        why: "A pool without a monitor has members without health. One that stayed down would be so for ever, since nobody asks it any more.",
        needs: "a monitor that is removed while a member is out; traffic of two rounds in the second after it",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["monitor/removed"];
    Hm27 "HM-27" "What a balancer shows of its members when it is asked is what it has announced.",
        bound: "every state that was shown, in or out of rotation, is one that the member had within 100 ms of the answer by what was \
                announced",
        why: "Whoever looks at the status page or asks for the statistics decides by it, and so does an API. That what is announced is true \
              follows from the other checks.",
        needs: "a balancer whose manifest has `events` and a `status` that is asked for; at most ten members, since of more at a time some \
                announcements may be lost",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/refuse", "failover/survivors"];
    Fo1 "FO-1" "Without retries no more is lost than the dead member's share until it is left.",
        bound: "at most s*l*D + 2 requests, with the measured share s, rate l and exposure D",
        why: "Each request that is sent to the dead member until it is left fails; a rotation is off by at most one at either end.",
        needs: "a member that refuses or is silent; `redispatch` with no retries",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/refuse"];
    Fo2 "FO-2" "With retries nothing is lost to a member that refuses.",
        bound: "0 requests beyond those in flight at the fault; for clients bound by hash at most \
                s*l*max(0, D - (R-1)min(1 s, connect timeout)) + 2",
        why: "A refused connection has sent nothing, so the request may go to another member. HAProxy retries a hash-bound client on \
              the same member first.",
        needs: "a member that refuses; `redispatch` with retries",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/refuse", "failover/many-refused", "failover/source-ip"];
    Fo3 "FO-3" "With retries nothing is lost to a member that does not answer the SYN.",
        bound: "0 requests beyond those in flight at the fault; for clients bound by hash at most \
                s*l*max(0, D - R*connect timeout) + 2; at most s*l*D + 2 where a client reads for no longer than a connect timeout",
        why: "As FO-2, a connect timeout later.",
        needs: "a member that is silent; `redispatch` with retries",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/blackhole", "failover/unplug"];
    Fo4 "FO-4" "No more is lost to a member that fails after it has got the request than its share until it is left.",
        bound: "at most s*l*D + 2 requests",
        why: "A request that has reached a member must not be repeated, so its failure is the client's.",
        needs: "a member that answers wrongly, resets, hangs or is slow",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/status-500", "failover/reset", "failover/hang", "failover/slow"];
    Fo5 "FO-5" "A request that is not idempotent reaches a member at most once.",
        bound: "each POST or PATCH is in the members' logs once if it was answered, and at most once if not; exact",
        why: "Nobody knows how far a member has come with a request when its connection breaks (RFC 9110, 9.2.2). One that never \
              reached a member, as behind a refused connection, may be sent to the next.",
        needs: "traffic by POST or PATCH",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/post", "failover/post-unmonitored"];
    Fo6 "FO-6" "What other members are busy with is not touched when one fails.",
        bound: "0 failed requests among those that other members had when one failed or was left; exact. A client's own timeout does not \
                count",
        why: "They have nothing to do with the member that fails.",
        needs: "a fault of a member while others have requests, held ones as a rule",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/held-elsewhere"];
    Fo7 "FO-7" "A member's return costs nothing.",
        bound: "0 failed requests of those that were sent from d before the member was back until d after it; exact",
        why: "It was well for r probes before it was used again.",
        needs: "a member that has returned, under traffic that goes on for a delay",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/rejoin"];
    Fo8 "FO-8" "When all members fail in turn, no more is lost than to each by itself.",
        bound: "at most the sum of the bounds of FO-1 to FO-4 over the members, whose times of being faulty and in use are disjoint",
        why: "A rolling restart is a series of single failures, if each member is back before the next one goes.",
        needs: "`lost: predicted`, and a fault of every member, each after the one before has returned",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/rolling"];
    Fo9 "FO-9" "A fault that the monitor cannot see takes nobody out and loses the member's share.",
        bound: "at most s*l*D + 2 requests with D the time until the heal, where requests fail; never out",
        why: "Probes that pass while requests fail are a gray failure; a balancer that judges by probes alone cannot know.",
        needs: "a fault that passes the monitor's probes (`probe_reads`)",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/gray"];
    Fo10 "FO-10" "A backup member serves only while all others are down.",
        bound: "0 requests of new clients on a backup while a member that is none is well and in rotation, as far as \
                that is shown; while none is in rotation, 0 failed requests if a backup is well; but for the 100 ms \
                around each change; exact",
        why: "Octavia: a backup is used only when all other members are down, and then `option allbackups` shares requests among all \
              of them. When a member has to be left, and when it has to be back, HM-4 to HM-8 say. A client that was bound to a \
              backup meanwhile may stay there.",
        needs: "a member with `backup: true`; `backups: first` or `all`",
        errors: Errors::None, lbaas: "2",
        scenarios: ["failover/backup", "failover/backups-share", "balancing/backup"];
    Rc1 "RC-1" "A change of the configuration loses nothing.",
        bound: "the number of lost requests that the scenario allows",
        why: "A reload that keeps its listening sockets has no moment in which nobody accepts.",
        needs: "a change of the pool while traffic runs, and a number in the scenario",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["reconfiguration/reloads", "reconfiguration/members", "reconfiguration/reload-with-held-requests"];
    Rc2 "RC-2" "A change of something else leaves a member that is down where it is.",
        bound: "0 requests of those that were sent from the change on reach it, until it is healed; exact",
        why: "What has been found out of a member does not depend on the others. A balancer that starts afresh sends requests to the \
              dead member until it has been probed again.",
        needs: "a change while a member is out for a fault that its monitor sees, requests after it; `reload: keeps-all`",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["reconfiguration/down-stays-down"];
    Rc3 "RC-3" "What is under way survives a change.",
        bound: "0 failed requests of those that members had all through a change, but for those of a removed member; exact",
        why: "A reload that keeps its connections lets them come to their end.",
        needs: "requests that are held over a change; not `reload: restarts`",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["reconfiguration/held-sessions", "reconfiguration/held-connections", "reconfiguration/reload-with-held-requests"];
    Rc6 "RC-6" "Taking the balancer down leaves nothing behind.",
        bound: "0 namespaces, links, processes and files; exact",
        why: "What is left behind collides with the next deployment.",
        needs: "a run that came to its teardown",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/round-robin"];
    Rc7 "RC-7" "As many clients are served at a time as the limit of connections says.",
        bound: "exactly L requests are with members at a time while more clients want to be served; the others wait, or are turned away, \
                as declared; exact",
        why: "LBaaS: connection_limit. What becomes of those beyond it LBaaS does not say.",
        needs: "a `connection_limit`; `connection_limit: waits` or `refuses`; more clients than that for half a second",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/connection-limit"];
    Rc8 "RC-8" "Members are told the client's address; in a TCP pool what clients send comes unchanged.",
        bound: "X-Forwarded-For has the client's address once and as its last entry in every request of an HTTP pool; no such header in \
                those of a TCP pool, where bytes above 127 come as they were sent, and the end of a client's half within 5 s, before the \
                answer; exact",
        why: "The LBaaS drivers add it for HTTP, so that a member can tell its clients apart. What passes through a TCP pool is nobody's \
              to change; a protocol whose client ends its half to say that all has been sent hangs if that is not passed on.",
        needs: "traffic; `forwarded_for: added` for HTTP",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/round-robin", "balancing/source-ip", "balancing/tcp", "balancing/half-close", "walkthrough/floating-ip"];
    Rc9 "RC-9" "The balancer's own counters add up.",
        bound: "each member's counter is what it saw, and their sum what clients sent, in a run in which nothing failed; no counter is less \
                after a change than before it, with `reload: keeps-all`; exact",
        why: "Operators bill and scale by them, and LBaaS shows them. What is counted of a request that fails is not agreed upon.",
        needs: "a `status` in the format `haproxy-csv` with the column `stot`; traffic without faults",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/round-robin", "balancing/tcp", "reconfiguration/weight"];
    Tr0 "TR-0" "Every expectation is judged.",
        bound: "at least one verdict for each expectation",
        why: "An expectation that no check can make anything of must not count as met.",
        needs: "an expectation that no other check applies to",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: [];
    Tr1 "TR-1" "Every request is answered with the expected status.",
        bound: "all of them; exact",
        why: "The scenario says so.",
        needs: "an expected status",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/all-down", "failover/mostly-down"];
    Tr2 "TR-2" "No request fails while nothing is wrong.",
        bound: "0 failed requests outside of every fault's exposure, or at most the number that the scenario allows",
        why: "No prediction allows for a loss without a cause.",
        needs: "traffic whose loss is judged",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["balancing/round-robin"];
    Tr3 "TR-3" "A balancer that is gone loses what its clients do not wait for.",
        bound: "at most l*D + 2 requests while it is killed, l*max(0, D - read timeout) + 2 while it is paused",
        why: "Nobody answers; a paused process's kernel still accepts, and its clients wait as long as they do.",
        needs: "a fault of the balancer",
        errors: Errors::Slack, lbaas: "1, 2",
        scenarios: ["failover/balancer-killed", "failover/balancer-paused"];
    Tr4 "TR-4" "A member that is to be idle serves nothing.",
        bound: "0 requests; exact",
        why: "The scenario says so, for a member outside of the pool as a rule.",
        needs: "a member that is in rotation or outside of the pool",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["reconfiguration/members"];
    Tr5 "TR-5" "A member with which nothing is wrong stays in rotation.",
        bound: "never out",
        why: "The monitor's probes pass.",
        needs: "a member without a fault that its monitor can see; no `passive` checks that may have acted",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: ["failover/refuse"];
    Tr6 "TR-6" "No more requests are lost than the scenario allows.",
        bound: "the number that the scenario allows",
        why: "The scenario says so. What cannot be avoided is not taken off; `lost: predicted` does that.",
        needs: "a fault, and a number in the scenario that the theory of its loss does not give",
        errors: Errors::None, lbaas: "1, 2",
        scenarios: [];
}
