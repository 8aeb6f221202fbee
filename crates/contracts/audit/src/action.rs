/// Something that leaves an entry when it is done. A contract has a constant for
/// each, and a list of all:
///
/// ```
/// use contract_audit::Action;
///
/// pub const USER_BANNED: Action = Action::new("user.banned", "An administrator banned a user.");
///
/// /// Everything that the service audits.
/// pub const ALL: [Action; 1] = [USER_BANNED];
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action {
    /// Its name: `<noun>.<past participle>`.
    pub name: &'static str,
    /// One sentence for a reader of the log.
    pub description: &'static str,
}

impl Action {
    /// An action of this name.
    #[must_use]
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        Self { name, description }
    }
}
