import os

import psycopg2
import redis
from flask import Flask

app = Flask(__name__)


@app.route("/")
def visit():
    visits = redis.Redis(host="cache").incr("visits")
    with psycopg2.connect(os.environ["DATABASE"]) as database, database.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS visits (number integer)")
        cursor.execute("INSERT INTO visits VALUES (%s)", (visits,))
        cursor.execute("SELECT count(*) FROM visits")
        return f"visit {visits}, {cursor.fetchone()[0]} in the database"


app.run(host="0.0.0.0", port=5000)
