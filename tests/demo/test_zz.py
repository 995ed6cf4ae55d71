import time, collections, pytest
from pathlib import Path
from crm.core.db import Database, Scope
from web.migrations import tables
from web.demo.seed import _ente
from web.demo.places import MUNICIPALITIES
from crm.collection.importer import import_feed
from sqlalchemy import text, event
@pytest.mark.integration
def test_bench(loopback, postgres, database_urls, tmp_path):
    data=Path('/tmp/demo/big.jsonl').read_bytes().split(b"\n")[:40000]
    path=tmp_path/"x.jsonl"; path.write_bytes(b"\n".join(data)+b"\n"); del data
    db = Database(database_urls.app, database_urls.routing, pool_size=2)
    with db.begin(Scope.nothing()) as s: s.add(_ente(MUNICIPALITIES[0]))
    tot=collections.Counter(); n=collections.Counter(); st={}
    @event.listens_for(db.app_engine,"before_cursor_execute")
    def b(c,cur,stmt,p,ctx,m): ctx._t=time.time()
    @event.listens_for(db.app_engine,"after_cursor_execute")
    def a(c,cur,stmt,p,ctx,m):
        k=" ".join(stmt.split())[:70]; tot[k]+=time.time()-ctx._t; n[k]+=1
    last=[time.time()]
    per=[]
    for label in ("first","again"):
        tot.clear(); t=time.time(); c=time.process_time(); per.clear(); last[0]=t
        def prog(p):
            per.append(round(time.time()-last[0],2)); last[0]=time.time()
        s=import_feed(db, path, on_progress=prog)
        d=time.time()-t
        print(label, f"{40000/d:.0f} rec/s wall; python cpu {time.process_time()-c:.1f}s of {d:.1f}s")
        print(per)
        for k,v in tot.most_common(12): print(f"  {v:.2f}s {n[k]} {k}")
    db.dispose()
