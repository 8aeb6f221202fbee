use std::{borrow::Cow, marker::PhantomData};

use diesel::{
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    serialize::ToSql,
    sql_types::{HasSqlType, Untyped},
};

/// SQL as it stands, with `$1`, `$2`, … for the values that are bound in this order. As
/// diesel's `sql_query`, but prepared once for each connection instead of at each call,
/// which takes a round trip and a plan. So the text must not change from call to call:
/// what changes is bound.
pub fn statement(sql: impl Into<Cow<'static, str>>) -> Statement {
    Statement { sql: sql.into() }
}

/// What [`statement`] makes; rows are read by name (`QueryableByName`).
#[derive(Clone, Debug)]
pub struct Statement {
    sql: Cow<'static, str>,
}

/// A statement with one value more.
#[derive(Debug)]
pub struct Bound<Q, V, ST> {
    before: Q,
    value: V,
    sql_type: PhantomData<fn() -> ST>,
}

impl Statement {
    /// Binds `$1`.
    pub fn bind<ST, V>(self, value: V) -> Bound<Self, V, ST> {
        Bound { before: self, value, sql_type: PhantomData }
    }
}

impl<Q, V, ST> Bound<Q, V, ST> {
    /// Binds the next value.
    pub fn bind<ST2, V2>(self, value: V2) -> Bound<Self, V2, ST2> {
        Bound { before: self, value, sql_type: PhantomData }
    }
}

/// diesel writes a placeholder where it takes a value. Ours stand in the text already, so
/// it is made to write them into a comment at the end.
impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(&self.sql);
        out.push_sql("\n-- ");
        Ok(())
    }
}

impl<Q, V, ST> QueryFragment<Pg> for Bound<Q, V, ST>
where
    Q: QueryFragment<Pg>,
    V: ToSql<ST, Pg>,
    Pg: HasSqlType<ST>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.before.walk_ast(out.reborrow())?;
        out.push_bind_param::<ST, V>(&self.value)
    }
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl<Q, V, ST> Query for Bound<Q, V, ST> {
    type SqlType = Untyped;
}

/// Known by its text, not by its type.
impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q, V, ST> QueryId for Bound<Q, V, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

#[cfg(test)]
mod tests {
    use diesel::{
        debug_query,
        sql_types::{BigInt, Text},
    };

    use super::*;

    #[test]
    fn values_are_bound_in_their_order_behind_the_text() {
        let bound = statement("SELECT $2, $1, $2").bind::<BigInt, _>(5_i64).bind::<Text, _>("a");
        let shown = debug_query::<Pg, _>(&bound).to_string();
        assert_eq!(shown, "SELECT $2, $1, $2\n-- $1$2 -- binds: [5, \"a\"]");
    }

    #[test]
    fn it_is_prepared_once() {
        let bound = statement("SELECT $1").bind::<BigInt, _>(5_i64);
        assert!(bound.is_safe_to_cache_prepared(&Pg).unwrap());
    }
}
