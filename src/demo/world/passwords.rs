//! The demo people's passwords. Hashing them at the start would take seconds, so the hashes are constants,
//! of the full strength that every password has; a test checks each.

/// What every person of the demo types.
pub const PASSWORD: &str = "harbour lantern quiet orchard";

/// Hashes of [`PASSWORD`], each with a salt of its own, one for each person in the order of the cast.
pub const HASHES: &[&str] = &[
    "$argon2id$v=19$m=19456,t=2,p=1$/rFO2fX4Kjc8buDs/o7Dbg$gwOsDzBoZN8U2P6S8Q9z1bx32DpYThzaUoW7wtVN1pk",
    "$argon2id$v=19$m=19456,t=2,p=1$MUdQBWqnELbvPbStj62UWQ$JxOxKWBCI90MP/kO07NlxmYuHYxtlxhcmoBdKeCdR+s",
    "$argon2id$v=19$m=19456,t=2,p=1$2OrVd3DIRXxY8JBzJBBK0A$ffhMXvPnUlLo6qOmqYxVV1RBLeaRLQCNzjji9JjZgig",
    "$argon2id$v=19$m=19456,t=2,p=1$kuluHm7HdV3FjyaL/Cp+3A$EZkabbQWipXfsTH01RAi/wcjhYH8sn49TkFmCSxdbsc",
    "$argon2id$v=19$m=19456,t=2,p=1$ABm3ry9XhNyBB9MNh5bspQ$kG65EMeT/oz1gIY+plQup/emNMW0GT5ZGNl3KKkIfSI",
    "$argon2id$v=19$m=19456,t=2,p=1$skHcsx8HrdhiUqpPW6Ujww$+FSFLbdvgyT4EAIgHLztduq2yKgwRSJ+n+4F+3ylVOw",
    "$argon2id$v=19$m=19456,t=2,p=1$bIp7VbQ6aRacBEeUbBTLFw$3ngbnSG9MOGNibBDjwvVBfkGVm5k+xGDfw3mcXHoPNw",
    "$argon2id$v=19$m=19456,t=2,p=1$DMDOpB+aI/BAcvydNRTpYA$xAgvmlimGR8xeE499RXDIuO6gBYdmeeeIGHYPnUOy4g",
    "$argon2id$v=19$m=19456,t=2,p=1$ztCmjoPjYrffXnJsEkAqaw$7udBM5EaGnbsxQywQjBsE0uCbEhjZq0LRSryUkWEJSc",
    "$argon2id$v=19$m=19456,t=2,p=1$8kYW/ZwKi3xZEvCbtA/hfA$M4uFK42kokdMiBXJ/OZQQLdsukIEHTy+zeqeT+C/tFs",
    "$argon2id$v=19$m=19456,t=2,p=1$P/9pkDHBNzZc2RLU8aBNFg$1sa8aqf6L6wen9dAH6OexemyyxohS21jLb25KA40exU",
    "$argon2id$v=19$m=19456,t=2,p=1$TO5ZBTxwSHVTfsGRIfLhHA$18LYx6M/TE2SeDMvadB/XcLDYDVva/Sp3Jxfj8h2xSQ",
    "$argon2id$v=19$m=19456,t=2,p=1$8fOTx7VJVrxoL5e73WRxJg$KE/4vOdHr6FPKEggqxG2fA90r/Ere09+4UF0m1kTvAQ",
    "$argon2id$v=19$m=19456,t=2,p=1$6LNisLqiLJjZEvN5BI/1zQ$JGURT3OypAjUvKJTEEaPy/BlK0q5z6SB93n0Cu0tZJE",
    "$argon2id$v=19$m=19456,t=2,p=1$gfC7U6HgzJYscXNu7sckew$rccAjrIEnlEksfoWOBc3/IhPd8r116HfQB1ip7lUkIg",
    "$argon2id$v=19$m=19456,t=2,p=1$4z7hOhKclZIxT6poSIfZGA$+uxLSGbnpWaHMQcyN3lVohu4mrvv4IacmlusXTq9UC4",
    "$argon2id$v=19$m=19456,t=2,p=1$HOJGFQAeEUXFUsvHvlL11w$DY8SJO4dGZsRtqtWPJvcvfDHEPv7nEn586wD3hzCqHY",
    "$argon2id$v=19$m=19456,t=2,p=1$cIKovacpw+BVrZKL9/2Jlg$fif4SQAc+WjvCGmwecGpGuHcSlrtbRHHO61bOgjBV+o",
    "$argon2id$v=19$m=19456,t=2,p=1$0CvK/xxSdK/Q5ICwjoJRYQ$J4Ls+k3O5t+xa/72lhO2PmqpKJGKs/M0wqPR8EW1SDs",
    "$argon2id$v=19$m=19456,t=2,p=1$uj0svL6KX3j11eUKk/YG7w$UqENZJ8KrRD+g02kskoZlqJH0ME5CSufe6WUZu0UnP0",
    "$argon2id$v=19$m=19456,t=2,p=1$lZcs1Hs+D1F9KcyvJJpMng$XyOYNxhDH6QfyMT16wlyUcnsaAFzmPCTomKizSJ2qMg",
    "$argon2id$v=19$m=19456,t=2,p=1$UobL+4Fwv+5buZUp5wd3Cw$FG5dIw8qmwCAmIvu3KBy3HG010CRdBclXH7WZ2h6zNQ",
    "$argon2id$v=19$m=19456,t=2,p=1$/iQWkrp7NxcFTFxLEU/MpQ$gtt18rSoH2z+fQpvWQS35f7/7KEtIIE2AHVZNTX+yM4",
    "$argon2id$v=19$m=19456,t=2,p=1$oPQOEkmymuRynuiUTZ2+Ew$GjyFmgB67wuCI7OREikdfwEpM1t/pKRSLJ0ti1v3OtQ",
    "$argon2id$v=19$m=19456,t=2,p=1$xyaajPdbVZuWfhD6DSk3rA$hoM4OaEP9/Tgr5/R/wv+GiCfHiDp660qI1s/fsntKVk",
    "$argon2id$v=19$m=19456,t=2,p=1$+zUI9AS8g04Cdj6YrCDm8A$9HaVMQxJY/SLlL96vnq9VyJuI66dA4Va2kEm3ZVWy2o",
    "$argon2id$v=19$m=19456,t=2,p=1$UGVcdnexPYTKX5bJg2LdcA$RwaBNsbq+TRg0cRPKsuMFIcqPbLKQVA40FXY5/T22Qo",
    "$argon2id$v=19$m=19456,t=2,p=1$gezuWNXIW1SqRbcSMHeFEQ$cFm9MMEIupPDiUZ5nQyDKxpHTzMphhfcaVguBirwwV8",
    "$argon2id$v=19$m=19456,t=2,p=1$3fNi1KjrPIIe032PMRMa6Q$2zfkSFrFlRx1Uk+JxjJoR3+QkwrDsGDyytBpXbgySJw",
    "$argon2id$v=19$m=19456,t=2,p=1$AjaAb4WILtmamzanMX9xiw$4YPyLKgoyyslHND2ZD8TdGUXgUIqHurQie9uTEhx6dA",
    "$argon2id$v=19$m=19456,t=2,p=1$+qGzerXLmOmn76gamq2g0A$4VUW2L7rb/xkeJjXcphrt4NlomB9JUSIM3ot96+OXxA",
    "$argon2id$v=19$m=19456,t=2,p=1$PAiCS6IuGlEeBjls0kEPhQ$AjV/aaK1zx7WAdEtMYJm+zdHZyDIB53Ur8a9aXoh0EM",
    "$argon2id$v=19$m=19456,t=2,p=1$yH65xIKChn3yAdNjkENgKg$OvAoZEQ9wgRrq/nZr5t8Qh0oia5FmxczbgfmBoo/yzs",
    "$argon2id$v=19$m=19456,t=2,p=1$xiuE7SrnXUtq13BM2lhR9Q$BXvHh22JhguyZ0/YHsT/8cEQ+itm7YJjq8gdCf50jJM",
    "$argon2id$v=19$m=19456,t=2,p=1$TgrqNNBM3phRkMfktgQScw$lzJAMzQtu/EF+ZStbFKSSBNfX3g96PzlOeiJqmDxXeY",
    "$argon2id$v=19$m=19456,t=2,p=1$Sdwm21NONws4d6PBTT0HNw$9CEGCz5ujtW/wUEK798UoownB/EZHO4gyVJelaKxxUE",
    "$argon2id$v=19$m=19456,t=2,p=1$Z3SKdw1orA9xY/hnNx3xGQ$COvBmHOqwnkUBSz6NOpqZB87pwhyQVblD5vz1EE7KWs",
    "$argon2id$v=19$m=19456,t=2,p=1$l1gTQrR5QEQ5c9jYsqfWvA$VFVJvhiQ26vEtgMLu3DDz4Hngpxi8fP2MewhvrSfVBg",
    "$argon2id$v=19$m=19456,t=2,p=1$gw1K+KhSr8Sf9JIkQZY0sA$p4Ln2OpwMTNZ9X1Hdm6FwkxCwD457ipGl+lIpAQdf7s",
    "$argon2id$v=19$m=19456,t=2,p=1$E/tHrvGfhKzmnHbgiVGtkw$wexguwJlzfW1SKhKG0G4E3YIw11BNGJIacLKxb7PvZs",
    "$argon2id$v=19$m=19456,t=2,p=1$TdbkcV5xqnjYFwycnttYnQ$VxACBlh/+AV2zPFlqdYdBB06GQCV24s5+UgvLgC+txo",
    "$argon2id$v=19$m=19456,t=2,p=1$2hCmRwTzMQENg7XAOhU8kQ$fZSlGpkfY7uZQU3x/d8MNWERg0aCyoWnz7RYMWYDFv0",
    "$argon2id$v=19$m=19456,t=2,p=1$/Hc7+syJeIcMQxX5MJJzaQ$6FvoK2IOsJ0iE093p8M7XyE/36QUd6xbGdiDma9DpNo",
    "$argon2id$v=19$m=19456,t=2,p=1$yoQW3zlsjUDCWoeP48YpyA$0W9OzuG1J87D/QZmx2pcDmvI6vm9aQvewwFzECz8YhM",
    "$argon2id$v=19$m=19456,t=2,p=1$opmt/3hnR2Oy+jf4nYzoiw$n7/wsaJcCQI2eeK1/oQZ2SFLNPn3g3iTEl2xziVg4Bg",
    "$argon2id$v=19$m=19456,t=2,p=1$PrK5/TjxgFRCpG9/TxKvqg$FP44J1PLV52RabZgmqDvOp/E9sSaPKoCc3mUDXpTY5U",
    "$argon2id$v=19$m=19456,t=2,p=1$YqUHWzxde6f/gf7vyPCB+Q$9dtNecbERKkw+JiJRDw4xXi9kIWjs9yxuU3F3fe4+MU",
    "$argon2id$v=19$m=19456,t=2,p=1$kJhM5XINkDUi+nk9EAjOjQ$u8VJc6eXlIOP/tWIMTa6HJi6SSbA/tT5QMuXhTShsQk",
];

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, time::Duration};

    use super::*;
    use crate::{
        config::Passwords,
        demo::world::cast::PEOPLE,
        secret::Secret,
        users::password::{Cost, Hasher, PasswordHash, Verdict, check_strength},
    };

    #[tokio::test]
    async fn every_hash_is_of_full_strength_and_of_the_password() {
        let passwords = Passwords::default();
        assert_eq!(check_strength(PASSWORD, &[], 10), Ok(()));
        assert_eq!(HASHES.iter().collect::<HashSet<_>>().len(), HASHES.len(), "no two salts are the same");
        assert!(HASHES.len() >= PEOPLE.len(), "one for each person");
        let cost = Cost { memory: passwords.memory_kib, passes: passwords.passes };
        let hasher = Hasher::with_threads(2, cost, Duration::from_secs(60));
        for hash in HASHES {
            assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
            let hash = PasswordHash::from_phc(hash).expect("a hash");
            let verdict = hasher.verify(Secret::from_text(PASSWORD), Some(hash)).await.expect("a turn");
            assert_eq!(verdict, Verdict::Right, "neither wrong nor outdated");
        }
    }
}
