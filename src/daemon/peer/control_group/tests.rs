use proptest::prelude::*;

use super::*;

/// Unit and user unit of a process of user 1000.
fn units(path: &str) -> (Option<String>, Option<String>) {
    let membership = Membership::at(path, 1000);
    let own = |unit: Option<Box<str>>| unit.map(String::from);
    (own(membership.unit), own(membership.user_unit))
}

#[test]
fn units_are_read_from_paths() {
    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    let docker = format!("/system.slice/docker-{ID}.scope");
    let podman = format!("/machine.slice/libpod-{ID}.scope/container");
    let kubernetes = format!(
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0b1_c2.slice/cri-containerd-{ID}.scope"
    );
    let rootless = format!(
        "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container"
    );
    let name = |path: &str| {
        path.rsplit('/')
            .find(|part| part.contains(".scope"))
            .map(str::to_owned)
    };
    let table: [(&str, Option<&str>, Option<&str>); 37] = [
        // Services of the system.
        ("/system.slice/auth.service", Some("auth.service"), None),
        (
            "/system.slice/system-auth.slice/auth@1.service",
            Some("auth@1.service"),
            None,
        ),
        (
            "/system.slice/system-auth.slice/auth@a\\x2db.service",
            Some("auth@a\\x2db.service"),
            None,
        ),
        ("/system.slice/dbus.socket", Some("dbus.socket"), None),
        ("/system.slice/run-data.mount", Some("run-data.mount"), None),
        (
            "/critical.slice/critical-web.slice/web.service",
            Some("web.service"),
            None,
        ),
        ("/init.scope", Some("init.scope"), None),
        // What a service makes below itself is its own choice.
        (
            "/system.slice/web.service/auth.service",
            Some("web.service"),
            None,
        ),
        (
            "/system.slice/web.service/system.slice/auth.service",
            Some("web.service"),
            None,
        ),
        (
            "/system.slice/containerd.service/kubepods/pod1",
            Some("containerd.service"),
            None,
        ),
        (
            "/system.slice/web.service/../auth.service",
            Some("web.service"),
            None,
        ),
        // The kernel's own names are escaped.
        ("/system.slice/_cpu.service", Some("cpu.service"), None),
        ("/system.slice/__x.service", Some("_x.service"), None),
        // Users.
        (
            "/user.slice/user-1000.slice/session-3.scope",
            Some("session-3.scope"),
            None,
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/init.scope",
            Some("user@1000.service"),
            Some("init.scope"),
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-editor-7.scope",
            Some("user@1000.service"),
            Some("app-gnome-editor-7.scope"),
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/build.service/inner.service",
            Some("user@1000.service"),
            Some("build.service"),
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service",
            Some("user@1000.service"),
            None,
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice",
            Some("user@1000.service"),
            None,
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/own/build.service",
            Some("user@1000.service"),
            None,
        ),
        // Units of somebody else's manager.
        (
            "/user.slice/user-1001.slice/user@1001.service/app.slice/build.service",
            Some("user@1001.service"),
            None,
        ),
        (
            "/user.slice/user-1000.slice/user@01000.service/app.slice/build.service",
            Some("user@01000.service"),
            None,
        ),
        (
            "/user.slice/user-1000.slice/user@+1000.service/app.slice/build.service",
            None,
            None,
        ),
        // A manager of a user is one where systemd puts it, whatever the slice is called.
        (
            "/system.slice/web.service/user@1000.service/build.service",
            Some("web.service"),
            None,
        ),
        // Containers.
        (&docker, None, None),
        (&podman, None, None),
        (&kubernetes, None, None),
        (&rootless, Some("user@1000.service"), None),
        ("/docker/0123456789abcdef", None, None),
        ("/kubepods/burstable/pod0b1/0123456789abcdef", None, None),
        ("/lxc.payload.web/system.slice/auth.service", None, None),
        // Outside of this process's namespace.
        ("/../auth.service", None, None),
        ("/../../system.slice/auth.service", None, None),
        ("/..", None, None),
        // Nothing.
        ("/", None, None),
        ("/system.slice", None, None),
        ("/system.slice/auth.service (deleted)", None, None),
    ];
    for (path, unit, user_unit) in table {
        let (mut expected, mut expected_user) =
            (unit.map(str::to_owned), user_unit.map(str::to_owned));
        if path == docker || path == podman || path == kubernetes {
            expected = name(path);
        }
        if path == rootless {
            expected_user = name(path);
        }
        assert_eq!(units(path), (expected, expected_user), "{path}");
    }
}

#[test]
fn user_units_are_believed_of_their_user_alone() {
    let path = "/user.slice/user-1000.slice/user@1000.service/app.slice/build.service";
    for (user, believed) in [(1000, true), (0, false), (1001, false), (65534, false)] {
        let membership = Membership::at(path, user);
        assert_eq!(membership.user_unit.is_some(), believed, "{user}");
        assert_eq!(membership.unit.as_deref(), Some("user@1000.service"));
    }
}

#[test]
fn the_hierarchy_of_systemd_counts() {
    for (text, expected) in [
        (
            "0::/system.slice/a.service\n",
            Some("/system.slice/a.service"),
        ),
        (
            "12:pids:/x\n1:name=systemd:/system.slice/a.service\n0::/system.slice/b.service\n",
            Some("/system.slice/b.service"),
        ),
        (
            "12:pids:/x\n1:name=systemd:/system.slice/a.service\n0::/\n",
            Some("/system.slice/a.service"),
        ),
        (
            "3:pids:/x\n2:name=systemd:/system.slice/a.service\n",
            Some("/system.slice/a.service"),
        ),
        ("3:pids:/x\n0::/\n", Some("/")),
        ("2:name=other:/x\n1:cpu,cpuacct:/y\n", None),
        ("0::/a:b\n", Some("/a:b")),
        ("0::relative\n", None),
        ("10::/x\n", None),
        ("", None),
        ("0:", None),
    ] {
        assert_eq!(path(text), expected, "{text}");
    }
}

#[test]
fn names_of_units_have_a_form() {
    let long = format!("{}.service", "x".repeat(248));
    for (name, expected) in [
        ("a.service", true),
        ("a@b.service", true),
        ("session-c1.scope", true),
        ("a", false),
        (".service", false),
        ("@x.service", false),
        ("a.slice", false),
        ("a.timer", false),
        ("a b.service", false),
        ("größe.service", false),
        ("a/b.service", false),
        (&long, false),
        (&long[1..], true),
    ] {
        assert_eq!(is_unit(name), expected, "{name}");
    }
}

proptest! {
    #[test]
    fn nothing_below_a_unit_changes_what_it_is(
        below in r"(/(_|user@1000|a)?(\.service|\.slice|\.scope|\.\.)?){0,5}",
    ) {
        let path = format!("/system.slice/web.service{below}");
        let membership = Membership::at(&path, 1000);
        prop_assert!(matches!(membership.unit.as_deref(), None | Some("web.service")), "{:?}", membership);
        prop_assert_eq!(membership.user_unit, None);
    }

    #[test]
    fn any_text_is_read(text in r"([0-9]{0,2}:(name=systemd)?:[/.a-z@_]{0,20}\n?|\PC{0,9}){0,4}") {
        let membership = Membership::read(&text, 1000);
        for unit in [membership.unit, membership.user_unit].into_iter().flatten() {
            prop_assert!(is_unit(&unit));
        }
    }
}
