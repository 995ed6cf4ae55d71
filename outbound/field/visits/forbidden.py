"""What nobody may say at a door: beginnings of words, and why not. Pure."""

FORBIDDEN = {
    r"carcer|prigion|galera|arrest|manett": "per un tributo non pagato nessuno è arrestato.",
    r"polizi|carabinier|denunc|querel|penal": "un debito con il Comune non è un reato.",
    r"sfratt|sequestr": "chi fa le visite non sfratta e non sequestra.",
    r"ufficial[ei] giudiziar": "nessuno si presenta per quello che non è.",
    r"evasor|furb|disonest|vergogn|moros|inadempient": "offende chi ascolta.",
    r"vicin[oi]\b|datore|colleg|parent": "dei debiti non si parla con altri.",
    r"immediatament|entro oggi|ultim[ao] (avviso|occasione|possibilità)|prima che sia": "mette fretta senza ragione.",
    r"contant": "chi fa le visite non prende denaro.",
}
