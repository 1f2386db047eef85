use std::{net::Ipv4Addr, path::PathBuf};

use super::*;

/// A folder of its own with a key file and a configuration.
fn written(toml: &str) -> (PathBuf, Source) {
    let mut random = [0u8; 8];
    crate::secret::fill(&mut random);
    let folder = std::env::temp_dir().join(format!("castellan-config-{:x}", u64::from_ne_bytes(random)));
    std::fs::create_dir_all(&folder).expect("a folder");
    let key = folder.join("castellan.key");
    assert!(create_master_key(&key).expect("a key file"));
    let file = folder.join("castellan.toml");
    let named = toml.contains("master_key_file");
    let text = if named { toml.to_owned() } else { format!("master_key_file = {key:?}\n{toml}") };
    std::fs::write(&file, text).expect("a file");
    (folder, Source { file: Some(file), environment: false })
}

fn load(toml: &str) -> Result<Config, Invalid> {
    let (folder, source) = written(toml);
    let outcome = Config::load(&source);
    std::fs::remove_dir_all(folder).expect("the folder goes");
    outcome
}

#[test]
fn the_documented_sample_says_the_defaults() {
    let sample = include_str!("../../docs/castellan.toml");
    let without_key = sample.replace("master_key_file = \"castellan.key\"\n", "");
    assert_ne!(sample, without_key, "the sample names the key file");
    let sample = load(&without_key).expect("the sample parses");
    let defaults = load("").expect("nothing parses");
    let text = |config: &Config| format!("{config:?}");
    assert_eq!(text(&sample), text(&defaults));
    assert_eq!(sample.listen, (Ipv4Addr::LOCALHOST, 8080).into());
    assert_eq!(sample.issuer(), "http://localhost:8080");
    assert_eq!(sample.rp_id(), Some("localhost"));
}

#[test]
fn the_sample_names_every_section_key() {
    let error = load("[tokens]\nunheard = 1").expect_err("unknown");
    for key in error.remedy.trim_start_matches("Known here: ").split(", ") {
        assert!(include_str!("../../docs/castellan.toml").contains(key), "{key} is not documented");
    }
}

/// Every bad value stops the start, names its key, and never repeats a secret.
#[test]
fn a_bad_value_names_its_key() {
    let cases = [
        ("unheard = 1", "unheard"),
        ("[tokens]\nunheard = 1", "tokens.unheard"),
        ("listen = \"somewhere\"", "listen"),
        ("listen = \"0.0.0.0:80\"", "public_url"),
        ("public_url = \"http://id.example.com\"", "public_url"),
        ("public_url = \"http://localhost.example.com\"", "public_url"),
        ("public_url = \"https://id.example.com/path\"", "public_url"),
        ("public_url = \"https://user:hunter2@id.example.com\"", "public_url"),
        ("database = \"mysql://root:hunter2@h/d\"", "database"),
        ("database_file = \"/nonexistent/file\"", "database_file"),
        ("master_key_file = \"/nonexistent/file\"", "master_key_file"),
        ("master_key_file = \"/nonexistent\"\nmaster_key = \"hunter2\"", "master_key"),
        ("trusted_proxies = [\"everyone\"]", "trusted_proxies"),
        ("[tokens]\ncode_seconds = 3600", "tokens.code_seconds"),
        ("[tokens]\naccess_token_seconds = \"long\"", "tokens.access_token_seconds"),
        ("[links]\nreset_seconds = 999999999", "links.reset_seconds"),
        ("[keys]\nkeep_seconds = 1", "keys.keep_seconds"),
        ("[passwords]\nmemory_kib = 64", "passwords.memory_kib"),
        ("[passwords]\npasses = 1", "passwords.memory_kib"),
        ("[passwords]\nmemory_kib = 262145", "passwords.memory_kib"),
        ("[sessions]\nidle_seconds = 900", "sessions"),
        ("[limits]\naccount_failures = 0", "limits.account_failures"),
        ("[webauthn]\nrp_id = \"example.com\"", "webauthn.rp_id"),
        ("[log]\nformat = \"xml\"", "log.format"),
        ("[mail]\nhost = \"mx.example.com\"", "mail.from"),
        ("[mail]\nhost = \"mx.example.com\"\nfrom = \"a@example.com\"\ntransport = \"none\"", "mail.transport"),
        ("[mail]\nhost = \"mx.example.com\"\nfrom = \"a@example.com\"\nusername = \"a\"", "mail.password"),
    ];
    for (toml, key) in cases {
        let invalid = load(toml).expect_err(toml);
        assert_eq!(invalid.key, key, "{toml}: {invalid}");
        assert!(!invalid.remedy.is_empty(), "{toml}");
        assert!(key == "public_url" || !invalid.to_string().contains("hunter2"), "{invalid}");
    }
}

#[test]
fn an_appended_master_key_seals_and_the_old_one_opens() {
    let (folder, source) = written("");
    let old = Config::load(&source).expect("loads").master_keys.seal("x", b"plain");
    assert_eq!(append_master_key(&folder.join("castellan.key")), Ok(2));
    let both = Config::load(&source).expect("loads").master_keys;
    assert_eq!(both.open("x", &old).expect("opens").as_slice(), b"plain");
    assert_ne!(both.seal("x", b"plain"), old);
    std::fs::remove_dir_all(folder).expect("the folder goes");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_everyone_reads_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, source) = written("");
    let key = folder.join("castellan.key");
    let mode = |path: &PathBuf| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&key), 0o600);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    assert_eq!(Config::load(&source).expect_err("refused").key, "master_key_file");
    std::fs::remove_dir_all(folder).expect("the folder goes");
}
