//! Becomes the command: the same process, with nothing of escrun left.

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;

use super::{EnvironmentBlock, Error, Program};
use crate::sys::exec::Limits;
use crate::sys::limit::Resource;
use crate::sys::start::{At, Failure, Image};
use crate::sys::step::Step;

/// How many variables a message names when there is too much of them.
const NAMED: usize = 3;

/// Replaces this process by `program` with `arguments` (without argument 0) and nothing but `environment`, after taking
/// `steps`. Umask, core limit, signal mask and dispositions are as escrun was started with, as far as no step changes
/// them. Returns only if that failed.
pub fn replace(
    program: &Program,
    arguments: &[OsString],
    environment: &EnvironmentBlock,
    steps: &[Step],
) -> Error {
    match image(program, arguments, environment, steps) {
        Ok(mut image) => {
            let failure = image.replace(environment.entries(), steps);
            explain(program, arguments, environment, steps, failure)
        }
        Err(error) => error,
    }
}

/// What it means that a process did not come to run `program`, in itself or in a child.
pub(super) fn explain(
    program: &Program,
    arguments: &[OsString],
    environment: &EnvironmentBlock,
    steps: &[Step],
    failure: Failure,
) -> Error {
    let reason = failure.error;
    match failure.at {
        At::Fork => Error::supervising("fork")(reason),
        At::Step(index) => Error::Step {
            step: steps[index].clone(),
            reason,
        },
        At::Exec => {
            let user = steps.iter().find_map(|step| match step {
                Step::User(user) => Some(*user),
                _ => None,
            });
            match (reason.raw_os_error(), user) {
                (Some(libc::EACCES), Some(user)) => Error::DeniedTo {
                    path: program.path().to_path_buf(),
                    user,
                },
                _ => refusal(program, arguments, environment, limits(steps), reason),
            }
        }
    }
}

/// What execve(2) takes of `program` and `arguments`, after making sure that it will with `environment` after `steps`.
pub(super) fn image(
    program: &Program,
    arguments: &[OsString],
    environment: &EnvironmentBlock,
    steps: &[Step],
) -> Result<Image, Error> {
    let strings = strings(program, arguments)?;
    let path = CString::new(program.path().as_os_str().as_bytes())
        .map_err(|_| Error::NulInArgument { index: 0 })?;
    check_size(&path, &strings, environment, limits(steps))?;
    Ok(Image::new(path, strings))
}

/// How much execve(2) takes after `steps`.
fn limits(steps: &[Step]) -> Limits {
    let stack = steps.iter().find_map(|step| match step {
        Step::Limit(limit) if limit.resource == Resource::STACK => Some(limit.soft),
        _ => None,
    });
    Limits::with_stack(stack)
}

/// Argument 0 and the others as execve(2) takes them.
fn strings(program: &Program, arguments: &[OsString]) -> Result<Vec<CString>, Error> {
    let all = std::iter::once(program.name()).chain(arguments.iter().map(OsString::as_os_str));
    all.enumerate()
        .map(|(index, argument)| {
            CString::new(argument.as_bytes()).map_err(|_| Error::NulInArgument { index })
        })
        .collect()
}

/// Says exactly what is too large before the kernel says only that something is.
fn check_size(
    path: &CStr,
    arguments: &[CString],
    environment: &EnvironmentBlock,
    limits: Limits,
) -> Result<(), Error> {
    let too_long = |size: &usize| *size > limits.string;
    if let Some(index) = arguments
        .iter()
        .map(|it| it.count_bytes() + 1)
        .position(|size| too_long(&size))
    {
        return Err(Error::ArgumentTooLong { index, limits });
    }
    if let Some((name, _)) = environment.sizes().find(|(_, size)| too_long(size)) {
        let name = name.to_string_lossy().into_owned();
        return Err(Error::VariableTooLong { name, limits });
    }
    let strings = |sizes: &mut dyn Iterator<Item = usize>| -> usize {
        sizes.map(|size| size + size_of::<*const u8>()).sum()
    };
    let total = path.count_bytes()
        + 1
        + strings(&mut arguments.iter().map(|argument| argument.count_bytes() + 1))
        + strings(&mut environment.sizes().map(|(_, size)| size));
    if total > limits.total {
        let arguments = arguments.iter().map(|argument| argument.count_bytes() + 1);
        return Err(too_large(arguments, environment, limits));
    }
    Ok(())
}

fn too_large(
    arguments: impl Iterator<Item = usize>,
    environment: &EnvironmentBlock,
    limits: Limits,
) -> Error {
    let mut sizes: Vec<_> = environment.sizes().collect();
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let largest = sizes.iter().take(NAMED);
    Error::TooLarge {
        arguments: arguments.sum(),
        environment: sizes.iter().map(|(_, size)| size).sum(),
        largest: largest
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .collect(),
        limits,
    }
}

/// What an error of execve(2) means. The file itself was there when it was looked up.
fn refusal(
    program: &Program,
    arguments: &[OsString],
    environment: &EnvironmentBlock,
    limits: Limits,
    reason: io::Error,
) -> Error {
    let path = program.path().to_path_buf();
    match reason.raw_os_error() {
        Some(libc::ENOENT) if program.is_there() => Error::NoInterpreter { path },
        Some(libc::ENOENT | libc::ENOTDIR) => Error::NotFound {
            command: program.name().into(),
        },
        Some(libc::E2BIG) => {
            let name = program.name().len() + 1;
            let arguments = arguments.iter().map(|argument| argument.len() + 1);
            too_large(std::iter::once(name).chain(arguments), environment, limits)
        }
        _ => Error::NotExecutable { path, reason },
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    const LIMITS: Limits = Limits {
        string: 100,
        total: 1000,
    };

    fn check(arguments: &[&CStr], variables: &[(&str, usize)]) -> Result<(), String> {
        let values: Vec<_> = variables
            .iter()
            .map(|(_, length)| vec![b'v'; *length])
            .collect();
        let variables: Vec<_> = variables
            .iter()
            .zip(&values)
            .map(|((name, _), value)| (OsStr::new(name), &value[..]))
            .collect();
        let block = EnvironmentBlock::new(&variables).expect("a block");
        let arguments: Vec<_> = arguments.iter().map(|it| CString::from(*it)).collect();
        check_size(c"/bin/x", &arguments, &block, LIMITS).map_err(|error| error.to_string())
    }

    #[test]
    fn what_fits_is_let_through() {
        assert_eq!(check(&[c"x"], &[("A", 97)]), Ok(()));
    }

    #[test]
    fn a_variable_that_is_too_long_is_named() {
        assert_eq!(
            check(&[c"x"], &[("A", 97), ("B", 98)]),
            Err(
                "the variable B is too long: the kernel takes 98 bytes for a name and its value"
                    .into()
            )
        );
    }

    #[test]
    fn an_argument_that_is_too_long_is_numbered() {
        let long = CString::new(vec![b'a'; 100]).expect("no NUL");
        assert_eq!(
            check(&[c"x", &long], &[]),
            Err("argument 1 of the command is too long: the kernel takes 99 bytes".into())
        );
    }

    #[test]
    fn the_largest_variables_are_named_without_their_lengths() {
        let variables: Vec<(String, usize)> = (0..20)
            .map(|number| (format!("V{number:02}"), 40 + number))
            .collect();
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, size)| (&name[..], *size))
            .collect();
        assert_eq!(
            check(&[c"x"], &variables),
            Err(
                "the environment is too large: 1090 bytes of variables and 2 bytes of arguments, of which the kernel \
                 takes 1000 together; the largest variables are V19, V18, V17"
                    .into()
            )
        );
    }
}
