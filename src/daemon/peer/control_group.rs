//! From a control group to systemd's units: cgroups(7), systemd.unit(5) and systemd's own rules for the tree.

/// What a process is part of, by its control group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// The path of the control group.
    pub path: Option<Box<str>>,
    /// The unit of the system's manager.
    pub unit: Option<Box<str>>,
    /// The unit of the manager of the user whose process it is.
    pub user_unit: Option<Box<str>>,
}

impl Membership {
    /// Reads the text of /proc/PID/cgroup of a process of `user`.
    pub fn read(text: &str, user: u32) -> Self {
        match path(text) {
            Some(path) => Self::at(path, user),
            None => Self::default(),
        }
    }

    /// What a process of `user` is part of that is in the control group at `path`.
    ///
    /// The system's manager makes the groups from the root down to the first that is no slice; what lies below may have been
    /// made by the unit itself, under any name. Below `user@UID.service`, the same holds for the manager of that user, who
    /// may start units of any name; they are believed of processes of that user alone.
    pub fn at(path: &str, user: u32) -> Self {
        let mut membership = Self {
            path: Some(path.into()),
            ..Self::default()
        };
        if is_outside(path) {
            return membership;
        }
        let mut components = path.split('/').filter(|component| !component.is_empty());
        membership.unit = first_unit(&mut components);
        let managed = membership.unit.as_deref().and_then(managed_user);
        if managed == Some(user) {
            membership.user_unit = first_unit(&mut components);
        }
        membership
    }
}

/// Whether a path leads out of what this process's control-group namespace shows (cgroup_namespaces(7)): its names mean
/// nothing here then.
pub(super) fn is_outside(path: &str) -> bool {
    path == "/.." || path.starts_with("/../")
}

/// The path in systemd's own hierarchy: the second one, or on older systems one that has its name.
fn path(text: &str) -> Option<&str> {
    let of_systemd = || in_hierarchy(text, |_, name| name == "name=systemd");
    // Where systemd uses the first hierarchies, everything may lie at the root of the second.
    unified_path(text)
        .or_else(of_systemd)
        .or_else(|| in_hierarchy(text, is_unified))
}

/// The path in the second hierarchy, unless that is its root.
fn unified_path(text: &str) -> Option<&str> {
    in_hierarchy(text, is_unified).filter(|path| *path != "/")
}

fn is_unified(number: &str, name: &str) -> bool {
    number == "0" && name.is_empty()
}

/// The path in the first hierarchy that is meant, by its number and name.
fn in_hierarchy(text: &str, is_meant: impl Fn(&str, &str) -> bool) -> Option<&str> {
    text.lines().find_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (name, path) = rest.split_once(':')?;
        (is_meant(number, name) && path.starts_with('/')).then_some(path)
    })
}

/// The first component that is no slice, if that is a unit.
fn first_unit<'p>(components: &mut impl Iterator<Item = &'p str>) -> Option<Box<str>> {
    let component = components
        .map(unescape)
        .find(|component| !component.ends_with(".slice"))?;
    is_unit(component).then(|| component.into())
}

/// systemd puts `_` in front of names that the kernel has a meaning for, such as that of `cpu.service`.
fn unescape(component: &str) -> &str {
    component.strip_prefix('_').unwrap_or(component)
}

/// Whether a unit with processes may have this name (systemd.unit(5)).
pub(in crate::daemon) fn is_unit(name: &str) -> bool {
    const LONGEST: usize = 255;

    let Some((stem, kind)) = name.rsplit_once('.') else {
        return false;
    };
    let is_part = |char: char| char.is_ascii_alphanumeric() || ":-_.\\@".contains(char);
    UNIT_KINDS.contains(&kind)
        && !stem.is_empty()
        && !stem.starts_with('@')
        && name.len() <= LONGEST
        && name.chars().all(is_part)
}

/// The kinds of units that have processes of their own.
pub(in crate::daemon) const UNIT_KINDS: [&str; 5] = ["service", "scope", "socket", "mount", "swap"];

/// The user whose manager a unit is.
fn managed_user(unit: &str) -> Option<u32> {
    let user = unit.strip_prefix("user@")?.strip_suffix(".service")?;
    // systemd writes no sign and no zero in front.
    let is_usual = user == "0" || !user.starts_with(['0', '+']);
    is_usual.then(|| user.parse().ok())?
}

#[cfg(test)]
mod tests;
