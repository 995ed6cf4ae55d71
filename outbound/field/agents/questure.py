"""Which Questura a province has: whom a company tells of its agents. Pure.

The questore is the authority of public security of a province (L. 121/1981, art. 14); provinces that share one are
named with it. Whoever writes the letter may address it otherwise.
"""

from types import MappingProxyType

_CITIES = """
AG Agrigento,AL Alessandria,AN Ancona,AO Aosta,AP Ascoli Piceno,AQ L'Aquila,AR Arezzo,AT Asti,AV Avellino,BA Bari,
BG Bergamo,BI Biella,BL Belluno,BN Benevento,BO Bologna,BR Brindisi,BS Brescia,BT Andria,BZ Bolzano,CA Cagliari,
CB Campobasso,CE Caserta,CH Chieti,CL Caltanissetta,CN Cuneo,CO Como,CR Cremona,CS Cosenza,CT Catania,CZ Catanzaro,
EN Enna,FC Forlì,FE Ferrara,FG Foggia,FI Firenze,FM Fermo,FR Frosinone,GE Genova,GO Gorizia,GR Grosseto,IM Imperia,
IS Isernia,KR Crotone,LC Lecco,LE Lecce,LI Livorno,LO Lodi,LT Latina,LU Lucca,MB Monza,MC Macerata,ME Messina,
MI Milano,MN Mantova,MO Modena,MS Massa,MT Matera,NA Napoli,NO Novara,NU Nuoro,OR Oristano,PA Palermo,PC Piacenza,
PD Padova,PE Pescara,PG Perugia,PI Pisa,PN Pordenone,PO Prato,PR Parma,PT Pistoia,PU Pesaro,PV Pavia,PZ Potenza,
RA Ravenna,RC Reggio Calabria,RE Reggio Emilia,RG Ragusa,RI Rieti,RM Roma,RN Rimini,RO Rovigo,SA Salerno,SI Siena,
SO Sondrio,SP La Spezia,SR Siracusa,SS Sassari,SU Cagliari,SV Savona,TA Taranto,TE Teramo,TN Trento,TO Torino,
TP Trapani,TR Terni,TS Trieste,TV Treviso,UD Udine,VA Varese,VB Verbania,VC Vercelli,VE Venezia,VI Vicenza,VR Verona,
VT Viterbo,VV Vibo Valentia
"""
CITIES = MappingProxyType(
    {one.strip()[:2]: one.strip()[3:] for one in _CITIES.replace("\n", "").split(",") if one.strip()}
)


def of_province(province: str) -> str:
    """The Questura as a letter names it, of a province by its two letters; empty for what is none."""
    city = CITIES.get(province.upper())
    return "" if city is None else f"Questura di {city}"
