//! What commits together with the ends of jobs, that of many in one transaction.

use std::{
    any::{Any, TypeId},
    fmt,
};

use diesel_async::AsyncPgConnection;
use futures_util::future::LocalBoxFuture;

use crate::Failure;

/// What an attempt has to write, as a value: it commits with the attempt's end, by the same statements as
/// those of others that end at that time. For kinds of which many run a second; others use
/// [`Run::finish`](crate::Run::finish).
pub trait Effect: Sized + 'static {
    /// Writes these, in the transaction that ends their jobs. Only those whose leases still hold are among
    /// them. It may be called again with the same ones, if that transaction came to nothing.
    ///
    /// # Errors
    /// A [`Failure`]: nothing is committed then, and each is tried by itself. One that fails alone has its
    /// job end as if the handler had failed; while the database is away, all wait.
    fn commit(
        connection: &mut AsyncPgConnection,
        effects: &[&Self],
    ) -> impl Future<Output = Result<(), Failure>>;
}

type Commit =
    for<'a> fn(&'a mut AsyncPgConnection, Vec<&'a dyn Any>) -> LocalBoxFuture<'a, Result<(), Failure>>;

/// An effect of any kind.
pub(crate) struct Boxed {
    value: Box<dyn Any>,
    commit: Commit,
}

impl Boxed {
    pub(crate) fn new<E: Effect>(effect: E) -> Self {
        let commit: Commit = |connection, effects| {
            Box::pin(async move {
                let effects: Vec<&E> = effects.into_iter().filter_map(<dyn Any>::downcast_ref).collect();
                E::commit(connection, &effects).await
            })
        };
        Self { value: Box::new(effect), commit }
    }
}

/// Writes effects, those of one kind at once.
pub(crate) async fn commit(
    connection: &mut AsyncPgConnection,
    effects: impl IntoIterator<Item = &Boxed>,
) -> Result<(), Failure> {
    let mut by_kind: Vec<(TypeId, Commit, Vec<&dyn Any>)> = Vec::new();
    for effect in effects {
        let (kind, value) = ((*effect.value).type_id(), &*effect.value);
        match by_kind.iter_mut().find(|(known, ..)| *known == kind) {
            Some((.., values)) => values.push(value),
            None => by_kind.push((kind, effect.commit, vec![value])),
        }
    }
    for (_, commit, values) in by_kind {
        commit(connection, values).await?;
    }
    Ok(())
}

impl fmt::Debug for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Effect")
    }
}
