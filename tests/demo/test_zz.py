import time, dataclasses, random, resource, pytest, json
from pathlib import Path
from datetime import date
from crm.core.db import Database, Scope
from web.migrations import tables
from web.demo import generate as g
from web.demo.people import Registry
from web.demo.seed import seed, _ente
from web.demo.places import MUNICIPALITIES
from crm.collection.importer import import_feed
from sqlalchemy import text
def make(path, n):
    if path.exists(): return
    place=dataclasses.replace(MUNICIPALITIES[0], taxpayers=n)
    today=date(2026,11,20); dice=random.Random(1); reg=Registry(dice,today)
    people=[reg.taxpayer(place) for _ in range(n)]
    g._write(path, place, list(g._records(dice,reg,place,people,today)), today)
@pytest.mark.integration
def test_bench(loopback, postgres, database_urls, tmp_path):
    path=Path('/tmp/demo/big.jsonl'); make(path, 60000)
    lines=path.read_bytes().count(b"\n")
    db = Database(database_urls.app, database_urls.routing, pool_size=2)
    with db.begin(Scope.nothing()) as s: s.add(_ente(MUNICIPALITIES[0]))
    rss=[]
    for label in ("first","again"):
        t=time.time(); c=time.process_time()
        s=import_feed(db, path, on_progress=lambda p: rss.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
        d=time.time()-t
        print(label, s.state, s.counts, f"{lines/d:.0f} rec/s wall; python cpu {time.process_time()-c:.1f}s of {d:.1f}s; maxrss {rss[5]//1024}->{rss[-1]//1024} MB")
    with db.begin(Scope.of_enti([1])) as s:
        cols = "ente_id,contact_id,reference,notice_number,tax,year,act_kind,act_number,state,state_on,state_note,tax_cents,sanctions_cents,interest_cents,costs_cents,paid_cents,residual_cents,issued_on,due_on,notification,notified_on,notification_note,payments,instalments,as_of,digest"
        ccols="ente_id,codice_fiscale,partita_iva,kind,surname,given_name,born_on,birthplace,address,postcode,town,name_key,language,as_of,digest"
        cur=s.connection().connection.cursor()
        def dump(q):
            with cur.copy(f"copy ({q}) to stdout") as cp: return [bytes(b) for b in cp]
        C=dump(f"select {ccols} from contact order by id"); P=dump(f"select {cols} from position order by id"); R=dump("select ente_id,contact_id,kind,value,source from contact_reach order by id")
        K=dump("select id,"+ccols+" from contact order by id")
    import psycopg
    with psycopg.connect(postgres.url(database_urls.name,"postgres","").replace("postgresql+psycopg","postgresql") if 0 else postgres.dsn.rsplit("/",1)[0]+"/"+database_urls.name) as k:
        cur=k.cursor()
        cur.execute("truncate contact, contact_reach, position cascade")
        t=time.time()
        for table, cl, data in (("contact","id,"+ccols,K),("contact_reach","ente_id,contact_id,kind,value,source",R),("position",cols,P)):
            with cur.copy(f"copy {table} ({cl}) from stdin") as cp:
                for b in data: cp.write(b)
        k.commit()
        d=time.time()-t
        print(f"COPY ceiling {lines/d:.0f} rec/s ({d:.1f}s)")
    db.dispose()
