//! The server as a database of sqlx's, since sqlx's pool takes nothing else. Nothing can be asked of it: the
//! types for answers have no values.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use log::LevelFilter;
use sqlx::{
    Arguments, Column, ColumnIndex, ConnectOptions, Connection, Database, Either, Encode, Execute,
    Executor, IntoArguments, Row, SqlStr, Statement, Transaction, Type, TypeInfo, Value, ValueRef,
};
use sqlx_core::transaction::TransactionManager;

use super::{Link, Server};

/// The database.
#[derive(Debug)]
pub struct Noop;

impl Database for Noop {
    type Connection = Link;
    type TransactionManager = Self;
    type Row = Never;
    type QueryResult = Affected;
    type Column = Never;
    type TypeInfo = Never;
    type Value = Never;
    type ValueRef<'r> = Never;
    type Arguments = Nothing;
    type ArgumentBuffer = ();
    type Statement = Never;

    const NAME: &'static str = "noop";
    const URL_SCHEMES: &'static [&'static str] = &["noop"];
}

/// How to reach the server.
#[derive(Clone, Debug)]
pub struct NoopOptions(pub Arc<Server>);

impl FromStr for NoopOptions {
    type Err = sqlx::Error;

    fn from_str(_: &str) -> Result<Self, sqlx::Error> {
        Err(sqlx::Error::Protocol(String::from("the server has no URL")))
    }
}

impl ConnectOptions for NoopOptions {
    type Connection = Link;

    fn from_url(url: &url::Url) -> Result<Self, sqlx::Error> {
        url.as_str().parse()
    }

    async fn connect(&self) -> Result<Link, sqlx::Error> {
        Ok(self.0.connect().await)
    }

    fn log_statements(self, _: LevelFilter) -> Self {
        self
    }

    fn log_slow_statements(self, _: LevelFilter, _: Duration) -> Self {
        self
    }
}

impl Connection for Link {
    type Database = Noop;
    type Options = NoopOptions;

    async fn close(self) -> Result<(), sqlx::Error> {
        Ok(())
    }

    async fn close_hard(self) -> Result<(), sqlx::Error> {
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), sqlx::Error> {
        self.server.check().await;
        Ok(())
    }

    async fn begin(&mut self) -> Result<Transaction<'_, Noop>, sqlx::Error> {
        Err(sqlx::Error::BeginFailed)
    }

    fn shrink_buffers(&mut self) {}

    async fn flush(&mut self) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn should_flush(&self) -> bool {
        false
    }
}

impl TransactionManager for Noop {
    type Database = Self;

    async fn begin(_: &mut Link, _: Option<SqlStr>) -> Result<(), sqlx::Error> {
        Err(sqlx::Error::BeginFailed)
    }

    async fn commit(_: &mut Link) -> Result<(), sqlx::Error> {
        Ok(())
    }

    async fn rollback(_: &mut Link) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn start_rollback(_: &mut Link) {}

    fn get_transaction_depth(_: &Link) -> usize {
        0
    }
}

impl<'c> Executor<'c> for &'c mut Link {
    type Database = Noop;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        _: E,
    ) -> BoxStream<'e, Result<Either<Affected, Never>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Noop>,
    {
        unimplemented!("nothing can be asked of it")
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        _: E,
    ) -> BoxFuture<'e, Result<Option<Never>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Noop>,
    {
        Box::pin(async { Ok(None) })
    }

    fn prepare_with<'e>(
        self,
        _: SqlStr,
        _: &'e [Never],
    ) -> BoxFuture<'e, Result<Never, sqlx::Error>>
    where
        'c: 'e,
    {
        Box::pin(async { Err(sqlx::Error::RowNotFound) })
    }
}

/// What a statement has changed: nothing.
#[derive(Debug, Default)]
pub struct Affected;

impl Extend<Self> for Affected {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, _: T) {}
}

/// Arguments, of which there are none.
#[derive(Debug, Default)]
pub struct Nothing;

impl Arguments for Nothing {
    type Database = Noop;

    fn reserve(&mut self, _: usize, _: usize) {}

    fn add<'t, T>(&mut self, _: T) -> Result<(), sqlx::error::BoxDynError>
    where
        T: Encode<'t, Noop> + Type<Noop>,
    {
        Err("it takes no arguments".into())
    }

    fn len(&self) -> usize {
        0
    }
}

impl IntoArguments<Noop> for Nothing {
    fn into_arguments(self) -> Self {
        self
    }
}

/// Rows, columns, types, values and statements: there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Never(Infallible);

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

impl Row for Never {
    type Database = Noop;

    fn columns(&self) -> &[Self] {
        match self.0 {}
    }

    fn try_get_raw<I: ColumnIndex<Self>>(&self, _: I) -> Result<Self, sqlx::Error> {
        match self.0 {}
    }
}

impl Column for Never {
    type Database = Noop;

    fn ordinal(&self) -> usize {
        match self.0 {}
    }

    fn name(&self) -> &str {
        match self.0 {}
    }

    fn type_info(&self) -> &Self {
        match self.0 {}
    }
}

impl TypeInfo for Never {
    fn is_null(&self) -> bool {
        match self.0 {}
    }

    fn name(&self) -> &str {
        match self.0 {}
    }
}

impl Value for Never {
    type Database = Noop;

    fn as_ref(&self) -> Self {
        match self.0 {}
    }

    fn type_info(&self) -> Cow<'_, Self> {
        match self.0 {}
    }

    fn is_null(&self) -> bool {
        match self.0 {}
    }
}

impl ValueRef<'_> for Never {
    type Database = Noop;

    fn to_owned(&self) -> Self {
        match self.0 {}
    }

    fn type_info(&self) -> Cow<'_, Self> {
        match self.0 {}
    }

    fn is_null(&self) -> bool {
        match self.0 {}
    }
}

impl Statement for Never {
    type Database = Noop;

    fn into_sql(self) -> SqlStr {
        match self.0 {}
    }

    fn sql(&self) -> &SqlStr {
        match self.0 {}
    }

    fn parameters(&self) -> Option<Either<&[Self], usize>> {
        match self.0 {}
    }

    fn columns(&self) -> &[Self] {
        match self.0 {}
    }

    sqlx_core::impl_statement_query!(Nothing);
}
