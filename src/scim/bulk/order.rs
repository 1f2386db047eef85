use std::collections::HashMap;

use super::job::Operation;

/// The order in which to perform operations: as they stand, but each after those that make what it refers
/// to. In a circle, one of them comes before what it needs.
pub fn of(operations: &[Operation]) -> Vec<usize> {
    let makers: HashMap<&str, usize> =
        operations.iter().enumerate().filter_map(|(index, operation)| Some((operation.own_id()?, index))).collect();
    let needs: Vec<Vec<usize>> = operations
        .iter()
        .map(|operation| operation.references().into_iter().filter_map(|id| makers.get(id).copied()).collect())
        .collect();
    sorted(&needs)
}

/// Depth first, without recursion: a chain may be as long as the request.
fn sorted(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(needs.len());
    let mut is_seen = vec![false; needs.len()];
    for start in 0..needs.len() {
        if std::mem::replace(&mut is_seen[start], true) {
            continue;
        }
        // Each with how many of its needs have been looked at.
        let mut path = vec![(start, 0)];
        while let Some((index, looked_at)) = path.last_mut() {
            match needs[*index].get(*looked_at) {
                None => {
                    order.push(*index);
                    path.pop();
                }
                Some(&need) => {
                    *looked_at += 1;
                    if !std::mem::replace(&mut is_seen[need], true) {
                        path.push((need, 0));
                    }
                }
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::sorted;

    #[test]
    fn what_is_needed_comes_first_and_the_rest_stays_in_order() {
        assert_eq!(sorted(&[vec![], vec![], vec![]]), [0, 1, 2]);
        assert_eq!(sorted(&[vec![2], vec![], vec![]]), [2, 0, 1]);
        assert_eq!(sorted(&[vec![1], vec![2], vec![]]), [2, 1, 0]);
        assert_eq!(sorted(&[vec![1], vec![0], vec![0]]), [1, 0, 2], "a circle");
        assert_eq!(sorted(&[vec![0]]), [0], "of one");
        let chain: Vec<Vec<usize>> = (1..=100_000).map(|next| vec![next % 100_000]).collect();
        assert_eq!(sorted(&chain).len(), 100_000);
    }
}
