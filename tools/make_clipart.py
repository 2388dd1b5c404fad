"""Writes clipart.zip, the small picture set that ships with Pellucid, from Debian's openclipart-png.

    apt-get install openclipart-png
    python tools/make_clipart.py /usr/share/openclipart/png

What is chosen follows from the lists below and from the pixels, so the same folder gives the same pictures;
libjpeg gives the same bytes for them (Pillow 13.0 with libjpeg-turbo made the shipped file).
"""

import csv
import html
import io
import re
import sys
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

OUT = Path(__file__).parents[1] / "src/pellucid/data/builtin/clipart.zip"
CLASSES = ("animals", "buildings", "food", "plants", "tools", "transportation")
MOST = 100  # pictures of a class; of a larger one, those whose paths have the smallest digests
SIDE = 192  # the longest side of a picture, in pixels
NARROW = 2  # a drawing narrower than 1:2 is centred on white
MARGIN = 24  # of the page around a drawing, this part of its longest side stays
QUALITY = 85
LEAST_SIDE = 64  # below this a drawing is an icon
LEAST_INK = 4.0  # mean darkness, in grey levels, below which a picture is nearly blank
LARGEST = 40_000_000  # pixels of an original; eleven drawings of food are larger than a small machine likes
SAME_GREY = 0.95  # correlation of two pictures' 16 x 16 grey thumbnails above which one is left out
SAME_EDGES = 0.82  # and of their 24 x 24 edge maps: a drawing and its recoloured or uncoloured twin
ADDRESS = re.compile(r"[(<][^()<>]*@[^()<>]*[)>]")

# Folders inside a class that do not hold what the class is called.
LEFT_OUT_FOLDERS = ("aiga-symbols/", "boating/", "furniture/", "roadsigns/", "toys/", "weapons/")

# Pictures left out by hand, by reason, under the class that they are filed in.
LEFT_OUT = {
    "the drawing is broken or incomplete": """
        animals/birds/duck_yellow_ii_kurt_cagl_ animals/birds/penguin/tux_didier_fabert_01
        animals/bugs/virus_andreas_nilsson_01 animals/fish/dolphin_01 food/fruit/lime_half_jarno_vasamaa_
        plants/cannabis_leaf_anonymous_ plants/flowers/fiore_01 plants/flowers/magnolia_white_patricia__01
        tools/bucket_michael_moore_ tools/scart_connector_pinout_s_02 tools/stefan_graubner_stefan_g_01
        transportation/autos_01
    """,
    "it shows words, a flag, a mascot or somebody's logo": """
        animals/2_dead_frogs_lumen_desig_01 animals/baby-tux_alex_kuehne_01 animals/birds/baby_tux_01
        animals/birds/baby_tux_rory_mccann_01 animals/birds/manager_mimooh_01
        animals/birds/ninja_tux_rory_mccann_01 animals/birds/penguin/plush_tux_anita_01
        animals/birds/penguin/tux_clemente_01 animals/cymru_flag_wales_michae_
        animals/mammals/emule_icon_emule.org_01 animals/mammals/housecats/cartoon_vgcats_fanart_01
        animals/mammals/mhooo_peterm_ animals/mammals/shaezy_peterm_ animals/mammals/skoynk_peterm_
        animals/mammals/squeek_peterm_ animals/mascot_enrique_meza_c_01 buildings/old_sign_ganson
        food/beverages/coffe_tea_01 food/beverages/cuppa_schwoo_01 food/fruit/eris_apple_nurbldoff_01
        food/pizza_slice_01 tools/kexi_kexi_team_01
    """,
    "the name of its file in the original speaks of another licence": """
        animals/mammals/big_cats/tiger_graig_ryan_smith_-_01
    """,
    "it shows alcohol, tobacco, poison, violence or nudity": """
        animals/fantasy/mermaid_kurt_cagle_ animals/bugs/zanzara_cretina_architet_01
        buildings/demolizione_costruzione_01 food/beverages/alcohol/beer food/beverages/alcohol/beer1
        food/beverages/alcohol/bottiglia_di_vino_pregi_01 food/beverages/alcohol/cocktail_daniel_steele_r
        food/beverages/alcohol/martini_glass_k_yager_01 food/beverages/alcohol/noi_due_insieme_brindis_01
        food/beverages/alcohol/ontologia_del_vino_archi_01 food/beverages/alcohol/wine_corks_ganson
        food/beverages/alcohol/wine_glass_christian_h._ food/beverages/lattine_di_birra_archite_01
        food/bread_and_wine_mark_near_ food/picnic_01 tools/bottle_jean_victor_balin_
        tools/electric_lighter_joel_mo_01 tools/gallows_frouke_01 tools/green_burner_01
        tools/insecticide_nicu_buculei_01 tools/insecticide_nicu_buculei_02 tools/orange_burner_01
        tools/smoke_nicu_buculei_01 tools/smoke_nicu_buculei_02 tools/smoke_nicu_buculei_03
        transportation/hummer_01 transportation/hummer_02 transportation/vehicles/military_airplane_mo_01
    """,
    "it is filed in a wrong class": """
        animals/birds/mirjam_meijer_mirjam_mei_01 animals/birds/turkey_on_platter_01
        animals/fish/amibe_renardjb_on_free.f_01 animals/fish/amibe_renardjb_on_free.f_02
        animals/fish/kallisti-grenade_1_nurbl_01 animals/lucchetto_grigio_archite_01
        animals/lucchetto_ottone_archite_01 animals/mammals/housecats/cat_scrathing_post_benji_01
        buildings/brick_frouke_01 buildings/capitello_modanatura_mo_01
        buildings/school_hallway_gerald_g._01 buildings/wall buildings/wall1 food/beverages/a_teapot_01
        food/beverages/baby_bottle_01 food/beverages/flower-pot_01 food/beverages/ice_cube_jarno_vasamaa_
        food/beverages/icecube_benji_park_ food/beverages/macchina_caffe_architett_01 food/beverages/mug
        food/beverages/mug_toh_yen_cheng_01 food/beverages/teapot_ganson food/bowl_chaspo_
        food/chef_jarno_vasamaa_ food/come_si_dispongono_le_p_01 food/food_leif_lodahl_01
        food/fruit/gumnut_black_01 food/fruit/gumnut_shaded_01 food/fruit/straw_tote_linda_kim_01
        food/fruit/tree_whit_fruits_01 food/galette_01 food/large_plate food/large_plate_bw
        food/meatgrinder_benji_park_ food/meats_and_eggs/fuoco_da_campeggio_archi_01
        food/mix_cucina_frullatore_ar_01 food/pumpkin_erik_postma_01 food/small_plate food/small_plate_bw
        food/sugarbox_01 food/toque_01 plants/human_humain_umano_sed_r plants/mushroom
        plants/mushroom_benji_park_ plants/toadstool_daniel_steele_r plants/trees/bowsaw_benji_park_01
        plants/trees/bypasspruner_benji_park_01 plants/trees/christmas_balls_mo_01
        tools/lampada_di_aladino_alad_01 tools/mattone_poroton_architet_01
        tools/metal_cage_kurt_nordstro_ tools/natural_gas_pump_well_jo_01
        tools/nodding_donkey_kevin_cow_01 tools/panel_fudriot_omic.ch_01
        tools/pansement_jean_victor_ba_ tools/umbrella transportation/Evel_Knievel
        transportation/Motorway_on transportation/airplane transportation/anchor
        transportation/anchor_juliane_krug_01 transportation/bambi transportation/bus_lane
        transportation/bus_opposite transportation/buses_and_bikes transportation/cattle
        transportation/crosswind transportation/cycle_lane transportation/cycles
        transportation/drawbridge transportation/end_daul transportation/grounded transportation/horse
        transportation/kaboom transportation/little_tan_suitcase_jona_ transportation/lorry_length
        transportation/no_cycles transportation/no_entry transportation/old_folks
        transportation/pass_either transportation/street_sign_gerald_g._01
        transportation/vehicles/crossroads transportation/vehicles/curve_ahead
        transportation/vehicles/cycle_lane transportation/vehicles/cycle_route
        transportation/vehicles/lighthouse_01 transportation/vehicles/the_mad_little_ship_core_01
    """,
    "too little of the thing can be seen, or it is not a thing": """
        animals/birds/stormo_di_uccelli_archit_01 animals/birds/wing_mitchell_johnson_si_
        animals/cani_e_gatti_cat_and_do_01 animals/dragon_head_nicu_buculei_01
        animals/fantasy/the_incredible_tux_giuli_01 animals/fantasy/troll_daniel_steele_r
        animals/mammals/bears/sleeping_bear_under_sta_01 animals/mammals/bears/sleeping_bear_under_sta_02
        animals/mammals/elephant_outline_matthe_r animals/mammals/toro_al_tramonto_archite_01
        animals/tante_orme_sulla_neve_ar_01 animals/tatoo_tatuaggio_tatuagg_01 animals/three_eyes_01
        buildings/city_horizon_jon_phillip_01 buildings/homes/houses_jon_phillips_01
        food/beverages/glass_01 tools/paint_roller_banner_gera_01 tools/paint_roller_border_gera_01
        tools/paint_roller_wall_gerald_01 transportation/shelby_cobra_blueprint_i_01
        transportation/soviet_shuttle_mo_01 transportation/vehicles/shelby_cobra_car_bluepr_
    """,
    "it is a variant of a drawing that is kept": """
        animals/birds/contour_bat animals/mammals/dog_01_drawn_with_strai_02
        animals/mammals/dog_02_drawn_with_strai_01 animals/mammals/happy_monkey_benji_park_01
        animals/mammals/monkey_head_nicu_buculei_01 animals/mammals/simple_stylized_wolf_he_01
        buildings/homes/pinkhome-simple food/beverages/teacup_bw food/onion_rings_bw
        buildings/us_capitol_building_ink_01 food/apple_with_worm_dan_gerh_01
        food/beverages/apple_juice_box food/beverages/apple_juice_box_bw food/breads_and_carbs/muffin1
        food/breads_and_carbs/muffin1_bw food/breads_and_carbs/muffin2 food/breads_and_carbs/muffin2_bw
        food/breads_and_carbs/pancake food/breads_and_carbs/pancake_bw
        food/breads_and_carbs/pancakes_bw food/breads_and_carbs/pancakes_ganson
        food/breads_and_carbs/potato_nicu_buculei_01 food/desserts/candy_21
        food/desserts/candy_22 food/desserts/candy_31 food/desserts/cone1_bw_ganson
        food/desserts/cone2_bw_ganson food/desserts/cone2_ganson food/desserts/cone3_bw_ganson
        food/desserts/cone3_ganson food/desserts/cone4_bw_ganson food/desserts/cone_alt1_bw
        food/desserts/cone_alt2_bw food/desserts/cone_alt3 food/desserts/cone_alt3_bw
        food/desserts/cone_alt4
        food/desserts/cone_alt4_bw food/desserts/cone_alt_2 food/desserts/cone_soft_vanilla
        food/desserts/flan_bw_jean-victor_bali_01 food/desserts/flat_cake_bw_jean-victor_01
        food/desserts/pie_apple food/desserts/pie_apple_bw food/fruit/lemon_half_slice_ganson
        food/fruit/lemon_wedge_ganson food/fruit/lime_half_ganson food/fruit/lime_slice_ganson
        food/fruit/lime_whole_ganson food/fruit/pear_jean-victor_balin_01r
        food/fruit/turkey_platter_01_with_fruit_and_vegitables_01 food/meats_and_eggs/chicken_burger
        food/meats_and_eggs/chicken_burger_bw food/meats_and_eggs/fried_egg
        food/meats_and_eggs/fried_egg_bw food/menu_example_ food/menu_example3 food/menu_example4
        food/menu_example5 food/menu_example6 food/pizza_cheese food/pizza_cheese_bw
        plants/flowers/flower2_juliane_krug_01 plants/flowers/red_flower_03
        tools/lente_meno_architetto_fr_01 tools/mag2 tools/mag3 tools/mag4
        tools/magnifying_glass_tom_kra_ tools/ruota_dentata_architetto_01
        tools/ruota_dentata_grigia_2_a_01 tools/vavuum_cleaner_-_uprigh_01
    """,
}

# Pictures that belong to a class and are filed elsewhere.
TAKEN_IN = {
    "buildings": """
        computer/bb_home_ computer/building_zazou computer/icons/70a019
        computer/icons/government_icon_-_symbo_01 computer/residential_house_zazou
        computer/satellite_hub_zazou education/school_in_fall_abiclipar_01
        office/fabbrica_architetto_fran_01 signs_and_symbols/map_symbols/castle_-_rpg_map_elemen_01
        transportation/vehicles/lighthouse_01 unsorted/Condominio unsorted/aziendaVendite unsorted/fattoria
        unsorted/grattacieli_grigi unsorted/igloo unsorted/tenda_da_campeggio_archi_01
    """,
    "food": "unsorted/tramezzino",
    "plants": """
        computer/icons/lotas_yogesh_kanitkar_01 decorations/sakura_01 food/fruit/tree_whit_fruits_01
        decorations/wreath_of_evergreen_with_red_berries_01 recreation/holiday/christmas/xmas
        signs_and_symbols/map_symbols/plant_-_rpg_map_element_02
        signs_and_symbols/map_symbols/tree_-_rpg_map_elements_01
        signs_and_symbols/map_symbols/tree_-_rpg_map_elements_02
        signs_and_symbols/map_symbols/tree_-_rpg_map_elements_03
        signs_and_symbols/map_symbols/tree_-_rpg_map_elements_04
        signs_and_symbols/map_symbols/tree_-_rpg_map_elements_05
        signs_and_symbols/map_symbols/tree_-_rpg_map_elements_08
        signs_and_symbols/map_symbols/tree_-_rpg_map_elements_11
        signs_and_symbols/map_symbols/tree_-_rpg_map_elements_12
        signs_and_symbols/map_symbols/tree_-_rpg_map_elements_13
        unsorted/foglie_rosse unsorted/rosa2 unsorted/rose
    """,
    "tools": """
        animals/lucchetto_ottone_archite_01 computer/icons/etiquette-theme/stock/knife
        computer/icons/etiquette-theme/stock/scissors computer/icons/etiquette-theme/stock/tool
        computer/icons/key_juliane_krug_01 computer/icons/padlock_aj_ashton_01 education/scissors_02
        food/meatgrinder_benji_park_ food/mix_cucina_frullatore_ar_01 office/magnifying_glass_01
        office/scissors_forbici_franc_ plants/trees/bowsaw_benji_park_01
        plants/trees/bypasspruner_benji_park_01 shapes/wooden_mallot_benji_park_ signs_and_symbols/sakset1
        unsorted/Martellare unsorted/Pittura_con_pennello unsorted/carretta_da_cantiere
        unsorted/guanti__e_pinze unsorted/lampada_da_cantiere unsorted/metro_avvolgibile unsorted/motosega
        unsorted/pinzatrice_grigia unsorted/scala_doppia unsorted/sega_per_legno
    """,
    "transportation": """
        computer/browser computer/icons/etiquette-theme/stock/4wd people/beach_trip_ganson
        people/fire_engine_mimooh_01 recreation/holiday/sailing_sunset
        recreation/holiday/sportcar_sergio_luiz_ara_01 recreation/toys/kiddy_train_orlando_kara_
        shapes/airplane_nicu_buculei_01 signs_and_symbols/car_0_symbol_10cm_bwh
        transportation/boating/boat_jarno_vasamaa1
        transportation/boating/boat_jarno_vasamaa_ transportation/boating/sailboat_illustration
        unsorted/Montacarichi unsorted/ambulanza unsorted/betoniera unsorted/caterpillar
    """,
}


@dataclass(frozen=True)
class Drawing:
    """A drawing that may be chosen, already small and on white."""

    name: str
    original: str
    author: str
    picture: Image.Image

    @property
    def colour(self) -> float:
        """Mean saturation, 0 to 255: of two twins the coloured one is kept."""
        return float(np.asarray(self.picture.convert("HSV"))[..., 1].mean())


def candidates(folder: Path) -> list[tuple[str, Path]]:
    """Class and path of every picture that the lists allow, in order of class and path."""
    out = {folder / f"{stem}.png" for text in LEFT_OUT.values() for stem in text.split()}
    found = []
    for label in CLASSES:
        filed = [path for path in (folder / label).rglob("*.png") if not path.is_symlink()]
        allowed = [path for path in filed if not any(part in path.as_posix() for part in LEFT_OUT_FOLDERS)]
        taken = [folder / f"{stem}.png" for stem in TAKEN_IN.get(label, "").split()]
        found += [(label, path) for path in sorted({*taken, *(set(allowed) - out)})]
    missing = sorted(str(path) for path in {*out, *(path for _, path in found)} if not path.is_file())
    if missing:
        raise SystemExit(f"{folder} is not the folder of openclipart-png: there is no {missing[0]}")
    return found


def read(folder: Path, label: str, path: Path) -> Drawing | str:
    """The drawing, or why it is left out: no author named, too large, too small, nearly blank."""
    original = path.relative_to(folder).as_posix()
    with Image.open(path) as image:
        author = mended(image.info.get("Author", ""))
        if not author:
            return "its metadata names no author"
        if image.width * image.height > LARGEST:
            return "it is larger than 40 million pixels"
        picture = cut(on_white(image))
    if max(picture.size) < LEAST_SIDE:
        return "it is smaller than 64 pixels"
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    picture = padded(picture)
    if 255 - np.asarray(picture.convert("L")).mean() < LEAST_INK:
        return "it is nearly blank"
    stem = re.sub("[^a-z0-9]+", "-", path.stem.lower()).strip("-")
    return Drawing(f"{label}/{stem}.jpg", original, author, picture)


def mended(author: str) -> str:
    """The author's name as it was meant, without an address behind it.

    PNG text is read as Latin-1, and some wrote UTF-8 or HTML.
    """
    name = html.unescape(author)
    with suppress(UnicodeError):
        name = name.encode("latin-1").decode("utf-8")
    return " ".join(ADDRESS.sub("", name).split())


def on_white(image: Image.Image) -> Image.Image:
    """The picture in RGB with white behind what is transparent."""
    page = Image.new("RGBA", image.size, "white")
    page.alpha_composite(image.convert("RGBA"))
    return page.convert("RGB")


def cut(page: Image.Image) -> Image.Image:
    """The drawing without most of the white page around it; 1 x 1 where there is none."""
    box = page.convert("L").point(lambda grey: 255 if grey < 244 else 0).getbbox()
    if box is None:
        return page.resize((1, 1))
    margin = max(box[2] - box[0], box[3] - box[1]) // MARGIN
    left, top = max(box[0] - margin, 0), max(box[1] - margin, 0)
    return page.crop((left, top, min(box[2] + margin, page.width), min(box[3] + margin, page.height)))


def padded(picture: Image.Image, narrow: int = NARROW) -> Image.Image:
    """The picture, centred on white so that its sides are at most as 1 to ``narrow``."""
    longest = max(picture.size)
    width, height = (max(side, longest // narrow) for side in picture.size)
    page = Image.new("RGB", (width, height), "white")
    page.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    return page


def unit(image: Image.Image, size: int) -> NDArray[np.float64]:
    """A small version as a vector of mean 0 and length 1, so that a product of two is their correlation."""
    small = np.asarray(image.resize((size, size), Image.Resampling.BOX), np.float64).ravel()
    small -= small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-9)


def without_twins(drawings: list[Drawing]) -> tuple[list[Drawing], list[tuple[Drawing, Drawing]]]:
    """Of drawings that look alike the most coloured one; and the pairs of one left out and one kept."""
    kept: list[Drawing] = []
    greys, edges = np.empty((0, 256)), np.empty((0, 576))
    twins = []
    for drawing in sorted(drawings, key=lambda one: (-round(one.colour, 1), one.name)):
        square = padded(drawing.picture, narrow=1).convert("L")
        grey = unit(square, 16)
        edge = unit(
            square.filter(ImageFilter.FIND_EDGES).crop((1, 1, square.width - 1, square.height - 1)), 24
        )
        alike = np.flatnonzero((greys @ grey > SAME_GREY) | (edges @ edge > SAME_EDGES))
        if len(alike):
            twins.append((drawing, kept[alike[0]]))
            continue
        kept.append(drawing)
        greys, edges = np.vstack([greys, grey]), np.vstack([edges, edge])
    return kept, twins


def at_most(drawings: list[Drawing]) -> list[Drawing]:
    """At most MOST drawings of each class, drawn by the digests of their names; in order of the names."""
    chosen: list[Drawing] = []
    for label in CLASSES:
        members = [drawing for drawing in drawings if drawing.name.startswith(f"{label}/")]
        chosen += sorted(members, key=lambda one: blake2b(one.name.encode()).digest())[:MOST]
    return sorted(chosen, key=lambda one: one.name)


def write(drawings: list[Drawing]) -> None:
    """Write the pictures and SOURCES.csv as one zip file whose bytes depend on them alone."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["picture", "original", "author"])
    with zipfile.ZipFile(OUT, "w") as archive:
        for drawing in drawings:
            rows.writerow([drawing.name, drawing.original, drawing.author])
            encoded = io.BytesIO()
            drawing.picture.save(encoded, "JPEG", quality=QUALITY, optimize=True)
            archive.writestr(entry(drawing.name), encoded.getvalue())
        archive.writestr(entry("SOURCES.csv"), table.getvalue().encode())


def entry(name: str) -> zipfile.ZipInfo:
    """A file of the zip with neither the day nor the system that it was made on."""
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.create_system = 3
    info.external_attr = 0o644 << 16
    return info


def main(folder: Path) -> None:
    """Choose from ``folder``, write the zip, and say what was left out and why."""
    Image.MAX_IMAGE_PIXELS = None  # sizes are looked at before anything is decoded
    drawings = []
    for label, path in candidates(folder):
        drawing = read(folder, label, path)
        if isinstance(drawing, Drawing):
            drawings.append(drawing)
        else:
            sys.stdout.write(f"left out {path.relative_to(folder)}: {drawing}\n")
    if len({drawing.name for drawing in drawings}) < len(drawings):
        raise SystemExit("two drawings of a class have the same name")
    kept, twins = without_twins(drawings)
    for out, other in twins:
        sys.stdout.write(f"left out {out.original}: it looks like {other.original}\n")
    chosen = at_most(kept)
    write(chosen)
    for label in CLASSES:
        of_class = [sum(one.name.startswith(f"{label}/") for one in stage) for stage in (kept, chosen)]
        sys.stdout.write(f"{label}: {of_class[1]} of {of_class[0]}\n")
    sys.stdout.write(f"{OUT}: {len(chosen)} pictures, {OUT.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python tools/make_clipart.py OPENCLIPART_FOLDER")
    main(Path(sys.argv[1]))
