"""A newer Prime has migrated the database while replicas of this version run."""

import psycopg

from lab.slack.driver import Person
from tests.prime import Database, StartPrime

REFUSED = "That needs the role READ"


def migrate_further(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'of a newer Prime'")


async def test_a_replica_of_before_goes_on(start_prime: StartPrime, database: Database, nils: Person) -> None:
    async with start_prime() as prime:
        migrate_further(database)
        assert await prime.is_ready()
        await nils.says("#general", "@Prime good morning")
        await nils.sees(REFUSED)


async def test_one_that_starts_again_then_does_too(start_prime: StartPrime, database: Database) -> None:
    migrate_further(database)
    async with start_prime() as prime:
        assert await prime.is_ready()
