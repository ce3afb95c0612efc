"""The other side of `cargo xtask bench`: the same questions asked of the same Parquet export by DuckDB.

Reads one JSON object from standard input: {"export": glob, "threads": n, "questions": [{"from", "to", "where"}]} with
times as ISO text. Prints one JSON object: {"version", "answers": [{"ms", "total", "rows"}]}.
"""

import json
import sys
import time

import duckdb

asked = json.load(sys.stdin)
connection = duckdb.connect()
connection.execute(f"SET threads = {int(asked['threads'])}")
connection.execute("SET TimeZone = 'UTC'")


def question(one):
    # Summed once by day and service, ranked on the small result: the cheapest way to ask this in SQL.
    return f"""
        WITH daily AS MATERIALIZED (
            SELECT date_trunc('day', ChargePeriodStart) AS day, ServiceName, sum(EffectiveCost) AS cost
            FROM read_parquet('{asked["export"]}', hive_partitioning = false)
            WHERE ChargePeriodStart >= TIMESTAMP '{one["from"]}' AND ChargePeriodStart < TIMESTAMP '{one["to"]}'
              AND BillingCurrency = 'USD' {one["where"]}
            GROUP BY ALL
        ), largest AS (
            SELECT ServiceName FROM daily GROUP BY ServiceName ORDER BY sum(cost) DESC LIMIT 10
        )
        SELECT day, coalesce(largest.ServiceName, '(other)') AS service, sum(cost) AS cost
        FROM daily LEFT JOIN largest USING (ServiceName)
        GROUP BY ALL ORDER BY ALL
    """


def ask(one):
    start = time.perf_counter()
    rows = connection.execute(question(one)).fetchall()
    took = (time.perf_counter() - start) * 1_000
    return {"ms": took, "total": str(sum((row[2] for row in rows if row[2] is not None), 0)), "rows": len(rows)}


# Once unmeasured, so that the file cache is warm on this side too.
ask(asked["questions"][0])
answers = [ask(one) for one in asked["questions"]]
print(json.dumps({"version": duckdb.__version__, "answers": answers}))
