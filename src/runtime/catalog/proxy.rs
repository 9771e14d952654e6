//! Which proxy an address is asked through, as curl reads the environment.

/// The settings of the environment.
#[derive(Clone, Debug, Default)]
pub(super) struct ProxySettings {
    https: Option<(&'static str, String)>,
    http: Option<(&'static str, String)>,
    /// Entries of `NO_PROXY`, in lower case.
    direct: Vec<String>,
}

impl ProxySettings {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, small letters first, as curl does.
    pub fn of_environment() -> Self {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: [&'static str; 4]| {
            let set = |name: &'static str| Some((name, variable(name).filter(|value| !value.trim().is_empty())?));
            names.into_iter().find_map(set)
        };
        let lists = ["no_proxy", "NO_PROXY"].into_iter().find_map(&variable).unwrap_or_default();
        Self {
            https: first(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            http: first(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
            direct: lists.split([',', ' ']).filter(|entry| !entry.is_empty()).map(str::to_lowercase).collect(),
        }
    }

    /// The variable and its value for an address of this scheme and host; None: ask directly.
    pub fn of(&self, scheme: &str, host: &str) -> Option<(&'static str, String)> {
        let chosen = if scheme == "https" { &self.https } else { &self.http };
        chosen.clone().filter(|_| !self.is_direct(host))
    }

    /// An entry stands for a host and for everything below it; `*` for all.
    fn is_direct(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        self.direct.iter().any(|entry| {
            let entry = entry.trim_start_matches('*').trim_start_matches('.');
            let above = host.strip_suffix(entry);
            entry.is_empty() || above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(set: &[(&str, &str)]) -> ProxySettings {
        ProxySettings::read(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn each_scheme_has_its_proxy_and_all_proxy_stands_in() {
        let both = settings(&[("HTTPS_PROXY", "http://s:1"), ("http_proxy", "http://p:2")]);
        assert_eq!(both.of("https", "a.org"), Some(("HTTPS_PROXY", "http://s:1".into())));
        assert_eq!(both.of("http", "127.0.0.1"), Some(("http_proxy", "http://p:2".into())));
        let all = settings(&[("ALL_PROXY", "socks5h://s:1"), ("HTTPS_PROXY", "")]);
        assert_eq!(all.of("https", "a.org"), Some(("ALL_PROXY", "socks5h://s:1".into())));
        assert_eq!(settings(&[("HTTP_PROXY", "http://p:2")]).of("https", "a.org"), None);
        assert_eq!(settings(&[]).of("https", "a.org"), None);
    }

    #[test]
    fn no_proxy_names_hosts_and_what_is_below_them() {
        let some = settings(&[("https_proxy", "http://s:1"), ("NO_PROXY", "localhost, a.org,.b.org *.c.org,::1")]);
        for direct in ["localhost", "a.org", "x.a.org", "A.ORG", "b.org", "x.b.org", "y.x.c.org", "[::1]"] {
            assert_eq!(some.of("https", direct), None, "{direct}");
        }
        for proxied in ["aa.org", "org", "a.org.evil", "d.org"] {
            assert!(some.of("https", proxied).is_some(), "{proxied}");
        }
        assert_eq!(settings(&[("https_proxy", "http://s:1"), ("no_proxy", "*")]).of("https", "a.org"), None);
    }
}
