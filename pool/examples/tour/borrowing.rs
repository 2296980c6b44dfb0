//! A guard gives its connection back when it is dropped.

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "A guard gives its connection back when it is dropped";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.manager().await?;
    let mut connection = manager.acquire().await?;
    let id = connection.id();
    let one: i64 =
        sqlx::query_scalar("SELECT CAST(1 AS BIGINT)").fetch_one(&mut *connection).await?;
    drop(connection);
    ensure!(one == 1, "SELECT 1 is {one}");
    let again = manager.acquire().await?;
    ensure!(again.id() == id, "the lowest place is used again, to keep few connections warm");
    again.release().await?;
    // A manager takes the place of sqlx's pool, too.
    let two: i64 = sqlx::query_scalar("SELECT CAST(2 AS BIGINT)").fetch_one(&manager).await?;
    ensure!(two == 2 && manager.stats().in_use == 0, "a query on the manager itself");
    Ok(format!("{id} was used again"))
}
