//! Tokens that say themselves what they are: by how they begin, or by their form.

/// How a token begins; how many characters follow at least; which ones besides letters and digits.
/// Sorted by their beginnings.
const TOKENS: &[(&str, usize, &str)] = &[
    ("1//0", 30, "-_"),
    ("ABSK", 60, "+/="),
    ("ACCA", 16, ""),
    ("AGE-PLUGIN-", 20, "-"),
    ("AGE-SECRET-KEY-1", 20, ""),
    ("AIza", 30, "-_"),
    ("AKCp", 40, ""),
    ("AKIA", 16, ""),
    ("AQVN", 30, "-_"),
    ("ASIA", 16, ""),
    ("ATATT3", 30, "-_="),
    ("ATBB", 24, ""),
    ("ATCTT3", 30, "-_="),
    ("ATSTT3", 30, "-_="),
    ("CFPAT-", 30, "-_"),
    ("CLOJARS_", 40, ""),
    ("EAACEdEose0cBA", 10, ""),
    ("EZAK", 50, ""),
    ("EZTK", 50, ""),
    ("FLWSECK_", 20, "_-"),
    ("GOCSPX-", 20, "-_"),
    ("GR1348941", 16, "-_"),
    ("HRKU-", 20, "-_"),
    ("LTAI", 16, ""),
    ("NRAA-", 20, ""),
    ("NRAK-", 20, ""),
    ("NRII-", 20, "-_"),
    ("PMAK-", 30, "-"),
    ("SG.", 40, "-_."),
    ("abcs_", 40, "-_"),
    ("abio_", 40, "-_"),
    ("abskey-", 30, "-_"),
    ("atlasv1.", 40, "-_"),
    ("bkua_", 30, ""),
    ("cmVmdGtu", 40, ""),
    ("dapi", 32, ""),
    ("dckr_oat_", 16, "-_"),
    ("dckr_pat_", 16, "-_"),
    ("doo_v1_", 30, ""),
    ("dop_v1_", 30, ""),
    ("dor_v1_", 30, ""),
    ("dp.audit.", 20, ""),
    ("dp.ct.", 20, ""),
    ("dp.pt.", 20, ""),
    ("dp.sa.", 20, ""),
    ("dp.scim.", 20, ""),
    ("dp.st.", 20, "._-"),
    ("duffel_live_", 30, "-_="),
    ("eyJrIjoi", 40, "+/=-_"),
    ("figd_", 30, "-_"),
    ("figo_", 30, "-_"),
    ("fio-u-", 40, "-_="),
    ("flb_live_", 10, ""),
    ("fm1a_", 40, "+/=,_-"),
    ("fm1r_", 40, "+/=,_-"),
    ("fm2_", 40, "+/=,_-"),
    ("fo1_", 20, "-_"),
    ("gho_", 20, ""),
    ("ghp_", 20, ""),
    ("ghr_", 20, ""),
    ("ghs_", 20, ""),
    ("ghu_", 20, ""),
    ("github_pat_", 20, "_"),
    ("glagent-", 16, "-_."),
    ("glc_", 30, "+/="),
    ("glcbt-", 16, "-_."),
    ("gldt-", 16, "-_."),
    ("glffct-", 16, "-_."),
    ("glft-", 16, "-_."),
    ("glimt-", 16, "-_."),
    ("gloas-", 16, "-_."),
    ("glpat-", 16, "-_."),
    ("glptt-", 16, "-_."),
    ("glrt-", 16, "-_."),
    ("glsa_", 30, "_"),
    ("glsoat-", 16, "-_."),
    ("gsk_", 40, ""),
    ("hf_", 30, ""),
    ("hvb.", 20, "-_"),
    ("hvr.", 20, "-_"),
    ("hvs.", 20, "-_"),
    ("lin_api_", 30, ""),
    ("lin_oauth_", 30, ""),
    ("lip_", 40, ""),
    ("lsv2_", 30, "_"),
    ("mdb_sa_sk_", 30, "-_."),
    ("nfp_", 36, ""),
    ("npm_", 30, ""),
    ("ntn_", 40, ""),
    ("ops_eyJ", 40, "-_="),
    ("p8e-", 32, ""),
    ("phc_", 40, ""),
    ("phx_", 40, ""),
    ("pk_prod_", 20, ""),
    ("pnu_", 36, ""),
    ("pplx-", 40, ""),
    ("pscale_oauth_", 30, "-_.="),
    ("pscale_pw_", 30, "-_.="),
    ("pscale_tkn_", 30, "-_.="),
    ("pul-", 40, ""),
    ("pypi-AgE", 30, "-_"),
    ("r8_", 30, ""),
    ("rdme_", 60, ""),
    ("rk_live_", 10, ""),
    ("rk_test_", 10, ""),
    ("rubygems_", 40, ""),
    ("sb_secret_", 20, "-_"),
    ("sbp_", 40, ""),
    ("secret_", 43, ""),
    ("sgp_", 30, "_"),
    ("shippo_live_", 30, ""),
    ("shpat_", 30, ""),
    ("shpca_", 30, ""),
    ("shppa_", 30, ""),
    ("shpss_", 30, ""),
    ("sk.eyJ", 40, "-_."),
    ("sk_live_", 10, ""),
    ("sk_org_", 10, "_"),
    ("sk_test_", 10, ""),
    ("sntrys_", 40, "+/=_"),
    ("sntryu_", 40, ""),
    ("sq0atp-", 20, "-_"),
    ("sq0csp-", 30, "-_"),
    ("tfp_", 40, "-_="),
    ("tk-us-", 40, "-_"),
    ("tskey-", 10, "-"),
    ("v1.0-", 100, "-"),
    ("whsec_", 16, "+/="),
    ("xai-", 40, ""),
    ("xapp-", 10, "-"),
    ("xkeysib-", 40, "-"),
    ("xoxa-", 10, "-"),
    ("xoxb-", 10, "-"),
    ("xoxc-", 10, "-"),
    ("xoxd-", 10, "-%"),
    ("xoxe-", 10, "-"),
    ("xoxe.xoxb-", 10, "-"),
    ("xoxe.xoxp-", 10, "-"),
    ("xoxo-", 10, "-"),
    ("xoxp-", 10, "-"),
    ("xoxr-", 10, "-"),
    ("xoxs-", 10, "-"),
    ("xprv", 100, ""),
    ("xsmtpsib-", 40, "-"),
    ("ya29.", 20, "-_"),
];

/// The beginnings of `crypt(5)`'s hashes and of those that others keep passwords as.
const HASHES: [&str; 22] = [
    "$1$",
    "$2a$",
    "$2b$",
    "$2x$",
    "$2y$",
    "$3$",
    "$5$",
    "$6$",
    "$7$",
    "$8$",
    "$9$",
    "$H$",
    "$P$",
    "$S$",
    "$apr1$",
    "$argon2d$",
    "$argon2i$",
    "$argon2id$",
    "$gy$",
    "$scrypt$",
    "$sha1$",
    "$y$",
];

/// Hashes by the name of their scheme (`slapd.conf(5)`, PostgreSQL, Django, passlib).
const SCHEMES: [&str; 15] = [
    "$ml$",
    "$pbkdf2",
    "$bcrypt-sha256$",
    "{ARGON2}",
    "{BCRYPT}",
    "{CRYPT}",
    "{MD5}",
    "{PBKDF2",
    "{SHA}",
    "{SMD5}",
    "{SSHA}",
    "{SSHA256}",
    "{SSHA384}",
    "{SSHA512}",
    "{SHA512-CRYPT}",
];

/// A token that begins with the text: how much of it is known to be, which characters continue with
/// it, and how many of them there must be.
pub fn begin(text: &str) -> Option<(&'static str, usize, &'static str)> {
    let first = *text.as_bytes().first()?;
    let mut same = TOKENS.iter().filter(|(begin, ..)| begin.as_bytes()[0] == first);
    same.rfind(|(begin, ..)| text.starts_with(begin)).copied()
}

/// How long the hash of a password is that the text begins with; `None` if it is none.
///
/// If the text is `open`, one that is not all there is one too.
pub fn hash(text: &str, open: bool) -> Option<usize> {
    let begin = HASHES.iter().chain(&SCHEMES).find(|begin| text.starts_with(**begin))?;
    let is_in = |byte: &u8| byte.is_ascii_alphanumeric() || b"./+=,$-_}".contains(byte);
    let rest = &text.as_bytes()[begin.len()..];
    let length = rest.iter().take_while(|byte| is_in(byte)).count();
    // `awk '{print $1$2}'`
    let is_hash = length >= 12 || open && length == rest.len() && length > 0;
    is_hash.then_some(begin.len() + length)
}

/// The longest token that is known by its form.
const LONGEST: usize = 200;

/// How long the token is that the text begins with and whose form is known, not its beginning.
pub fn form(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let run = |from: usize, also: &[u8]| {
        let is_in = |byte: &&u8| byte.is_ascii_alphanumeric() || also.contains(byte);
        bytes.get(from..).unwrap_or_default().iter().take(LONGEST).take_while(is_in).count()
    };
    let is_hex = |from: usize, length: usize| {
        bytes.get(from..from + length).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    let first = run(0, b"");
    // A bot of Telegram's: `123456789:AA…`
    let is_number = bytes.iter().take(first).all(u8::is_ascii_digit);
    if (8..=10).contains(&first) && is_number && bytes.get(first) == Some(&b':') {
        let rest = run(first + 1, b"-_");
        return (34..=40).contains(&rest).then_some(first + 1 + rest);
    }
    // Twilio's `SK…`, Mailgun's `key-…`, Mailchimp's `…-us12`
    if first == 34 && text.starts_with("SK") && is_hex(2, 32) {
        return Some(34);
    }
    if text.starts_with("key-") && is_hex(4, 32) && run(4, b"") == 32 {
        return Some(36);
    }
    if first == 32 && is_hex(0, 32) && text[32..].starts_with("-us") && run(35, b"") <= 2 {
        return Some(35 + run(35, b""));
    }
    // Vault's before version 1.10: `s.` and 24
    if text.starts_with("s.") && run(2, b"") == 24 {
        let has = |is_it: fn(&u8) -> bool| bytes[2..26].iter().any(is_it);
        return (has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase)).then_some(26);
    }
    // A personal access token of Airtable's: `pat…` and 64 hexadecimal digits
    if first == 17 && text.starts_with("pat") && bytes.get(17) == Some(&b'.') && is_hex(18, 64) {
        return Some(82);
    }
    // A bot of Discord's: its number in base64, when, and a signature
    let number = if bytes[0].is_ascii_uppercase() { run(0, b"-_") } else { 0 };
    if (24..=28).contains(&number) {
        let when = run(number + 1, b"-_");
        let sign = run(number + when + 2, b"-_");
        let is_it = bytes.get(number) == Some(&b'.')
            && bytes.get(number + 1 + when) == Some(&b'.')
            && (6..=7).contains(&when)
            && sign >= 27;
        return is_it.then_some(number + when + 2 + sign);
    }
    // Azure's client secrets have this where they were made: `abc8Q~…`
    let has_mark = text.get(3..6).is_some_and(|mark| mark.ends_with("Q~"));
    let length = if has_mark { run(0, b"-_~.") } else { 0 };
    (length >= 37).then_some(length)
}

/// The pages whose address is a secret, by their host and how their path begins.
const HOOKS: [(&str, &str); 8] = [
    ("hooks.slack.com", "/services/"),
    ("hooks.slack.com", "/workflows/"),
    ("discord.com", "/api/webhooks/"),
    ("discordapp.com", "/api/webhooks/"),
    ("api.telegram.org", "/bot"),
    ("outlook.office.com", "/webhook/"),
    ("webhook.office.com", "/webhookb2/"),
    ("hooks.zapier.com", "/hooks/catch/"),
];

/// Where the secret begins in an address, behind its scheme.
pub fn hook(address: &str) -> Option<usize> {
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.".contains(byte);
    // The longest name of a host has 253 characters (RFC 1035).
    let host = &address[..address.bytes().take(253).take_while(is_host).count()];
    let path = &address[host.len()..];
    let is_it = |(own, begin): &&(&str, &str)| host.ends_with(own) && path.starts_with(begin);
    HOOKS.iter().find(is_it).map(|(_, begin)| host.len() + begin.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_are_sorted_and_each_is_found_by_its_beginning() {
        assert!(TOKENS.is_sorted_by_key(|(begin, ..)| *begin));
        for token in TOKENS {
            let text = format!("{}{}", token.0, "x".repeat(token.1));
            assert_eq!(begin(&text), Some(*token));
        }
    }
}
